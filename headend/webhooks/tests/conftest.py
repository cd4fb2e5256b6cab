"""A webhook, a receiver that answers as told, and the worker that sends to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from headend.accounts.programs import program_named
from headend.accounts.services import console_user
from headend.audit.sealer import Sealer
from headend.testing import NOON, make_supply
from headend.vending.services import vend
from headend.webhooks import services, worker
from headend.webhooks.kinds import KINDS
from headend.webhooks.models import Delivery, Subscription
from headend.webhooks.sending import Outcome

URL = "https://receiver.example/hook"
DELIVERED, PENDING, DEAD = Delivery.State.DELIVERED, Delivery.State.PENDING, Delivery.State.DEAD


class Receiver:
    """Stands for the network: answers as told and keeps what it was sent."""

    def __init__(self, *answers: Outcome) -> None:
        self.answers = list(answers)
        self.taken: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        self.taken.append((url, json.loads(body), headers))
        return self.answers.pop(0) if self.answers else Outcome(200, "")


@pytest.fixture
def supply(db: None, at_noon: None) -> Any:
    return make_supply()


@pytest.fixture
def subscribe(db: None) -> Callable[..., Subscription]:
    """Have a program told of some kinds."""

    def subscribe(*kinds: str, program: str = "crm") -> Subscription:
        return services.subscribe(
            program=program_named(program),
            name="for a test",
            url=URL,
            kinds=kinds or KINDS,
            by=console_user(),
            at=NOON,
        ).webhook

    return subscribe


def sell(supply: Any, message_id: str = "m-1", tender_minor: int = 10_000, **more: Any) -> Any:
    return vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=more.pop("operator", None) or console_user(),
        at=NOON + timedelta(minutes=1),
        **more,
    )


def work(receiver: Receiver, *, at: datetime = NOON) -> None:
    """Seal, derive and send until nothing is left for now."""
    sealer = Sealer()
    while sealer.seal(at=at):
        pass
    one = worker.Worker(receiver, chance=lambda: 0.5)
    while not one.step(at=at):
        pass
    one.finish()
