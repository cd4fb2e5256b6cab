"""What a meter says of itself: its state, its presence, and what the head-end does about them."""

from __future__ import annotations

import pytest

from headend.customers.models import SupplyAgreement
from headend.fleet.models import (
    Command,
    MeterLink,
    MeterState,
)
from headend.fleet.tests.arrivals import START, arrive, event, state, store
from headend.notifications.models import Notification


@pytest.mark.usefixtures("meter")
def test_only_a_newer_state_counts() -> None:
    store(state(boot=2, revision=5, credit_wh=700))
    store(state(boot=2, revision=4, credit_wh=9000), state(boot=1, revision=99, credit_wh=1))
    assert MeterState.objects.get().credit_wh == 700
    store(state(boot=3, revision=1, credit_wh=650))
    assert MeterState.objects.get().credit_wh == 650


@pytest.mark.usefixtures("meter")
def test_presence_follows_the_meter_and_its_last_will() -> None:
    store(arrive("online", b"7"))
    assert MeterLink.objects.get().online
    assert MeterLink.objects.get().boot == 7
    store(arrive("online", b""))
    assert not MeterLink.objects.get().online
    store(event(1))  # whoever speaks is there
    assert MeterLink.objects.get().online


@pytest.mark.usefixtures("meter")
def test_a_retained_state_tells_nothing_of_now() -> None:
    store(state(retained=True))
    link = MeterLink.objects.get()
    assert not link.online
    assert link.last_heard_at is None
    assert MeterState.objects.exists()


@pytest.mark.usefixtures("agreement")
def test_one_notification_per_drop() -> None:
    for revision, credit_wh in enumerate([6000, 4900, 4800, 4000, 30000, 4999, 10], start=1):
        store(state(revision=revision, credit_wh=credit_wh))
    bodies = list(Notification.objects.order_by("id").values_list("body", flat=True))
    assert len(bodies) == 2
    assert "4.9 kWh" in bodies[0]
    assert Notification.objects.filter(recipient="Thandi Dlamini").count() == 2


def test_the_meters_own_warning_follows_the_agreement(agreement: SupplyAgreement) -> None:
    agreement.low_credit_threshold_wh = 8000
    agreement.save()
    store(state(revision=1))
    store(state(revision=2))
    order = Command.objects.get(command="configure")
    assert order.arguments == {"low_credit_wh": 8000, "low_credit_hysteresis_wh": 800}
    store(state(revision=3, low_credit_wh=8000))
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("clock", "seconds_wrong", "orders"),
    [("unset", 0, 1), ("restored", 0, 1), ("set", 0, 0), ("set", 90, 1), ("simulated", 9999, 0)],
)
@pytest.mark.usefixtures("meter")
def test_clocks_are_set_when_they_need_it(clock: str, seconds_wrong: int, orders: int) -> None:
    time = None if clock == "unset" else int(START.timestamp()) - seconds_wrong
    store(state(revision=1, clock=clock, time=time))
    store(state(revision=2, clock=clock, time=time))
    assert Command.objects.filter(command="set_clock").count() == orders
