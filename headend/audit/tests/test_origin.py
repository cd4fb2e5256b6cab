"""Each entry says from where its act came: by page, program, or command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from headend.accounts.groups import ADMINISTRATOR
from headend.accounts.services import console_user
from headend.api.keys import create_key
from headend.audit import origin
from headend.audit.models import AuditEntry
from headend.config.opaque import id_of
from headend.testing import NOON, make_supply


@pytest.mark.parametrize(
    ("source", "place", "expected"),
    [
        ("", "", ""),
        ("import:7", "", "import:7"),
        ("", "10.1.2.3", "10.1.2.3"),
        ("user:4", "10.1.2.3", "user:4, 10.1.2.3"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.3"),
    ],
)
def test_the_place_comes_after_what_the_act_names(source: str, place: str, expected: str) -> None:
    with origin.coming_from(place):
        assert origin.with_origin(source) == expected
    assert origin.with_origin("x") == "x"


def test_an_act_on_a_page_is_recorded_with_its_address(
    log_in: Callable[..., Client], db: None
) -> None:
    supply = make_supply()
    address = f"/customers/{id_of(supply.customer)}/agreements/{id_of(supply)}/low-credit/"
    log_in(ADMINISTRATOR).post(address, {"threshold": "7.5"}, REMOTE_ADDR="10.1.2.3")
    assert AuditEntry.objects.latest("pk").source == "10.1.2.3"


def test_a_programs_vend_is_recorded_with_its_address(at_noon: None, db: None) -> None:
    supply = make_supply()
    key = create_key(
        program="bank",
        name="test",
        scopes=["vend"],
        by=console_user(),
        at=NOON,
        expires_at=NOON + timedelta(days=1),
    )
    answer = Client(headers={"authorization": f"Bearer {key.text}"}).post(
        "/api/v1/vend",
        {"message_id": "m", "meter": supply.meter.drn, "tender_minor": 5000},
        content_type="application/json",
        REMOTE_ADDR="10.9.8.7",
    )
    assert answer.status_code == 200
    entry = AuditEntry.objects.get(action="vending.vend")
    assert entry.source == f"api:{key.key.program_id}, 10.9.8.7"
