"""docs/webhooks.md: its receiver is run against the worker, its table is that of the code."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headend.accounts.programs import program_named
from headend.accounts.services import console_user
from headend.api import reference, service
from headend.audit.sealer import Sealer
from headend.testing import NOON, make_supply
from headend.vending.services import vend
from headend.webhooks import services
from headend.webhooks.kinds import KINDS
from headend.webhooks.models import Delivery
from headend.webhooks.sending import Sender
from headend.webhooks.worker import Worker

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "webhooks.md"


def test_the_table_of_kinds_is_of_now():
    document = DOCUMENT.read_text()
    assert document == reference.with_kinds(document), (
        "run: python -m headend.manage api_reference"
    )


def test_every_kind_is_described_in_the_openapi_document():
    described = service.api.get_openapi_schema()["webhooks"]
    assert described.keys() == KINDS.keys()
    told = described["sale.made"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "receipt_number" in told["properties"]["data"]["properties"]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_the_receiver_takes_what_is_signed_for_it_once(db: None, port: int, settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    made = services.subscribe(
        program=program_named("crm"),
        name="CRM",
        url=f"http://127.0.0.1:{port}/",
        kinds=["sale.made"],
        by=console_user(),
        at=NOON,
    )
    (script,) = re.findall(
        r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )
    environment = dict(os.environ, SECRET=made.text, PORT=str(port))
    receiver = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdout is not None
    try:
        _wait_for(port)
        supply = make_supply()
        sale = vend(
            caller="till",
            message_id="m-1",
            meter=supply.meter,
            tender_minor=5_000,
            operator=console_user(),
            at=NOON + timedelta(minutes=1),
        )
        now = datetime.now(UTC)
        Sealer().seal(at=now)
        worker = Worker(Sender(services.allowed_networks()))
        for _ in range(2):
            while not worker.step(at=now):
                pass
            assert Delivery.objects.get().last_status == 204
            services.replay(made.webhook, made.webhook.deliveries.all(), by=console_user(), at=now)
        Delivery.objects.update(next_attempt_at=now)
        made.webhook.sealed_secret = services.signing.seal(
            services.signing.new_secret(), webhook_id=made.webhook.pk
        )
        made.webhook.save()
        while not worker.step(at=now):
            pass
        assert Delivery.objects.get().last_status == 401
        worker.finish()
    finally:
        receiver.kill()
        printed = receiver.communicate()[0]
    assert printed.count("sale.made") == 1
    assert sale.receipt_number in printed


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    raise AssertionError("the receiver does not listen")
