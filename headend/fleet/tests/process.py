"""Head-end processes for tests that kill them: `python -m headend.fleet.tests.process WHAT`.

A process that is to be killed at a point prints "reached" there and then waits for it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headend.config.settings")
TOKEN = "1" * 20
TOKEN_IDENTIFIER = 1


def _wait_to_be_killed() -> None:
    print("reached", flush=True)
    time.sleep(600)


def prepare() -> None:
    """Create the database with one meter."""
    from headend.fleet.tests.conftest import make_meter
    from headend.fleet.tests.fake_meter import DRN

    call_command("migrate", verbosity=0)
    make_meter(DRN)


def queue(*, stop_at: str = "") -> None:
    """Queue the token as a web process does; "queued" stops before the commit."""
    from django.db import transaction

    from headend.fleet.services import queue_token
    from headend.meters.models import Meter

    with transaction.atomic():
        queue_token(
            meter=Meter.objects.get(),
            digits=TOKEN,
            requested_by=None,
            token_identifier=TOKEN_IDENTIFIER,
        )
        if stop_at == "queued":
            _wait_to_be_killed()


def gateway(*, stop_at: str = "") -> None:
    """Run the gateway, saying "ready" once it listens; `stop_at` is one of STOPS."""
    _say_when_ready()
    if stop_at:
        STOPS[stop_at]()
    call_command("gateway")


def _stop_after(owner: Any, name: str, is_the_moment: Callable[..., bool]) -> None:
    """Let a function do its work, then wait to be killed if it was the moment."""
    original = getattr(owner, name)

    def stopping(*args: Any, **kwargs: Any) -> Any:
        outcome = original(*args, **kwargs)
        if is_the_moment(*args):
            _wait_to_be_killed()
        return outcome

    setattr(owner, name, stopping)


def _say_when_ready() -> None:
    from headend.fleet.broker_link import BrokerLink

    original = BrokerLink._on_subscribe

    def saying(*args: Any) -> None:
        original(*args)
        print("ready", flush=True)

    BrokerLink._on_subscribe = saying  # type: ignore[method-assign, assignment]


def _has_event(arrivals: Any, *_: Any) -> bool:
    return any(arrival.topic.endswith("/event") for arrival in arrivals)


def _stop_before_commit() -> None:
    from headend.fleet import ingest

    _stop_after(ingest, "_store_all", _has_event)


def _stop_before_acknowledging() -> None:
    from headend.fleet import ingest

    _stop_after(ingest, "store_batch", _has_event)


def _stop_before_publishing() -> None:
    from headend.fleet import outbox

    original = outbox.commands_due

    def stopping(**kwargs: Any) -> Any:
        due = original(**kwargs)
        if due:
            _wait_to_be_killed()
        return due

    outbox.commands_due = stopping


def _stop_after_publishing() -> None:
    from headend.fleet.broker_link import BrokerLink

    _stop_after(BrokerLink, "publish", lambda _, topic, *__: topic.endswith("/down"))


STOPS = {
    "before_commit": _stop_before_commit,
    "before_acknowledging": _stop_before_acknowledging,
    "before_publishing": _stop_before_publishing,
    "after_publishing": _stop_after_publishing,
}


if __name__ == "__main__":
    django.setup()
    what, *options = sys.argv[1:]
    actions: dict[str, Callable[..., None]] = {
        "prepare": prepare,
        "queue": queue,
        "gateway": gateway,
    }
    actions[what](**({"stop_at": options[0]} if options else {}))
