"""A clock that runs ahead and is set right again: by an hour, or by a year.

Nothing that happened comes undone: no token identifier comes twice, a closed account buys
nothing, a closed shift stays closed, a key that was over is not used again, and no month pays its
fee twice.
And nothing stands still until the clock comes to where it had been.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from headend.accounts.programs import program_named
from headend.accounts.services import console_user, create_user
from headend.customers.errors import NoSupplyAgreement
from headend.customers.models import SupplyAgreement
from headend.customers.services import end_agreement, replace_meter
from headend.fleet.models import WorkItem
from headend.ledger import proofs
from headend.notifications import services as notifications
from headend.securitymodule.errors import KeyNotActive
from headend.securitymodule.models import VendingKey
from headend.securitymodule.services import load_vending_key
from headend.supply import closings, moves
from headend.supply.errors import FormerClosingOpen
from headend.tariffs import components as kinds
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules, flat
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_meter, make_supply, make_tariff
from headend.vending import reversals
from headend.vending.chores import look_ahead
from headend.vending.errors import ReversalRefused
from headend.vending.models import IssuedToken, SaleLine
from headend.vending.services import vend
from headend.vendors import services, shifts
from headend.vendors.errors import NoOpenShift, ShiftRefused
from headend.vendors.models import Shift
from headend.webhooks import worker
from headend.webhooks.models import Delivery, Event, Subscription

pytestmark = pytest.mark.django_db
HOUR, DAY, YEAR = timedelta(hours=1), timedelta(days=1), timedelta(days=365)
TODAY = NOON + DAY
MONTHS_END = datetime(2026, 12, 31, 21, 30, tzinfo=UTC)  # half an hour before it, where it counts
AHEAD = pytest.mark.parametrize("ahead", [HOUR, YEAR], ids=["an hour", "a year"])


@pytest.fixture
def supply(db):
    return make_supply()


def sell(supply, tender_minor=50_00, *, at, message_id="", by=None, **more):
    return vend(
        caller="test",
        message_id=message_id or f"{supply.pk}-{at.isoformat()}",
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=by or console_user(),
        at=at,
        **more,
    )


def closed(supply, *, at):
    """Close an account, with 10 kWh left, and settle it."""
    closing = closings.start(supply, by=console_user(), at=at, reason="moves", ask_meter=False)
    closings.note_registers(closing, energy_wh=12_000, credit_wh=10_000, by=console_user(), at=at)
    closings.settle(closing, by=console_user(), at=at)
    closings.mark_cleared(closing, by=console_user(), at=at, how="token", note="0 shown")
    return closing


def next_one(supply, *, at):
    return moves.move_in(
        supply.customer,
        supply.meter,
        moves.Terms(address="1 Test Road", tariff=make_tariff()),
        energy_wh=12_000,
        credit_wh=0,
        source="person",
        by=console_user(),
        at=at,
    ).agreement


def agrees():
    return proofs.prove(at=TODAY).differences == []


@AHEAD
def test_no_token_identifier_comes_twice(supply, ahead):
    for at in (TODAY, TODAY + ahead, TODAY, TODAY + timedelta(minutes=1), TODAY + ahead):
        sell(supply, at=at, message_id=f"m{IssuedToken.objects.count()}")
    given = list(IssuedToken.objects.order_by("pk").values_list("tid", flat=True))
    assert len(given) == 5
    assert given == sorted(set(filter(None, given)))


@AHEAD
def test_a_closed_account_buys_nothing(supply, ahead):
    sell(supply, at=NOON)
    end_agreement(supply, by=console_user(), at=TODAY + ahead, reason="moves")
    for at in (TODAY, TODAY + ahead, TODAY + ahead + HOUR):
        with pytest.raises(NoSupplyAgreement):
            sell(supply, at=at)


@AHEAD
def test_who_moved_in_buys_at_once_and_moves_out_again(supply, ahead):
    sell(supply, at=NOON)
    closed(supply, at=TODAY + ahead)
    moved_in = next_one(supply, at=TODAY + ahead + HOUR)
    sale = sell(moved_in, at=TODAY)
    assert sale.agreement == moved_in
    closing = closed(moved_in, at=TODAY + HOUR)
    ended = SupplyAgreement.objects.get(pk=moved_in.pk)
    assert ended.ended_at is not None
    assert ended.ended_at > ended.started_at
    assert moves.found_at(supply.meter).closing == closing
    third = next_one(supply, at=TODAY + HOUR)
    assert sell(third, at=TODAY + HOUR).agreement == third
    assert agrees()


@AHEAD
def test_who_moves_in_behind_the_end_of_the_last_one_is_the_last_one(supply, ahead):
    closed(supply, at=TODAY + ahead)
    second = next_one(supply, at=TODAY)
    closing = closings.start(
        second, by=console_user(), at=TODAY + timedelta(minutes=1), reason="x", ask_meter=False
    )
    with pytest.raises(FormerClosingOpen, match=str(closing)):
        next_one(supply, at=TODAY + timedelta(minutes=2))


@AHEAD
def test_a_meter_is_replaced_before_the_time_that_it_was_hung(supply, ahead):
    second, third = make_meter(), make_meter()
    replace_meter(supply, second, by=console_user(), at=TODAY + ahead, reason="burnt")
    replace_meter(supply, third, by=console_user(), at=TODAY, reason="burnt again")
    served = list(supply.former_meters.values_list("served_from", "served_until"))
    assert served[0][1] == served[1][0] < served[1][1]
    assert sell(supply, at=TODAY).meter == third


@AHEAD
def test_a_settled_account_gives_no_sale_back(supply, ahead):
    sale = sell(supply, at=TODAY + ahead, hold_token=True)
    closed(supply, at=TODAY)
    with pytest.raises(ReversalRefused, match="was settled with it"):
        reversals.reverse(
            caller="test", message_id="r1", sale=sale, by=console_user(), at=TODAY, reason="x"
        )


@AHEAD
def test_a_closed_shift_stays_closed(supply, ahead):
    till = services.add_till(None, name="Front desk", by=console_user(), at=NOON)
    cashier = create_user(username="cashier", password=None, groups=("cashier",))
    cashier.groups.get().permissions.remove(
        cashier.groups.get().permissions.get(codename="sell_without_shift")
    )
    cashier = type(cashier).objects.get(pk=cashier.pk)
    opened = TODAY + ahead - timedelta(minutes=30)
    shift = shifts.open_shift(till=till, float_minor=0, by=cashier, at=opened)
    sell(supply, at=TODAY + ahead, by=cashier)
    shifts.cash_up(shift, counted_minor=50_00, by=cashier, at=TODAY + ahead)
    shifts.close(shift, by=cashier, at=TODAY + ahead)
    for at in (TODAY + ahead - timedelta(minutes=10), TODAY):
        with pytest.raises(NoOpenShift):
            sell(supply, at=at, by=cashier)
        with pytest.raises(ShiftRefused, match="closed already"):
            shifts.cash_up(shift, counted_minor=0, by=cashier, at=at)
        with pytest.raises(ShiftRefused):
            shifts.close(shift, by=cashier, at=at)
    assert shifts.open_shift(till=till, float_minor=50_00, by=cashier, at=TODAY) != shift
    assert list(Shift.objects.values_list("state", flat=True)) == ["closed", "open"]
    assert agrees()


def test_a_key_that_was_over_is_not_used_again_when_the_clock_goes_back_an_hour(supply):
    VendingKey.objects.update(active_until=TODAY)
    sell(supply, at=TODAY - HOUR)
    with pytest.raises(KeyNotActive):
        sell(supply, at=TODAY + timedelta(minutes=5))
    with pytest.raises(KeyNotActive):
        sell(supply, at=TODAY - timedelta(minutes=55))


def test_a_key_outlives_a_clock_that_was_a_year_ahead(supply):
    VendingKey.objects.update(active_until=TODAY + 30 * DAY)
    with pytest.raises(KeyNotActive):
        sell(supply, at=TODAY + YEAR)
    sell(supply, at=TODAY)
    with pytest.raises(KeyNotActive):
        sell(supply, at=TODAY + 30 * DAY)
    with pytest.raises(KeyNotActive):
        sell(supply, at=TODAY + 30 * DAY - HOUR)


# --- what a month pays ---------------------------------------------------------------------------

FEE_MINOR = 20_00


def rules():
    return TariffRules(
        (
            kinds.PeriodicFee("Network", Decimal(20), kinds.MONTH),
            kinds.Energy("Energy", (kinds.Step(None, Decimal(2)),)),
        ),
        Rounding(),
        FeeRecovery(),
    )


@pytest.fixture
def with_fee(supply):
    tariff = publish_version(
        code="fee", name="Fee", valid_from=NOON, rules=rules(), by=console_user(), at=NOON
    ).tariff
    SupplyAgreement.objects.filter(pk=supply.pk).update(tariff=tariff)
    return SupplyAgreement.objects.get(pk=supply.pk)


def fees_minor():
    paid = SaleLine.objects.filter(kind="fee", sale__reversal=None)
    return sum(paid.values_list("amount_minor", flat=True))


def test_no_month_pays_twice_when_the_clock_goes_back_over_its_beginning(with_fee):
    times = [MONTHS_END + HOUR, MONTHS_END, MONTHS_END + timedelta(minutes=10)]
    for at in (*times, MONTHS_END + HOUR * 2, MONTHS_END + DAY):
        sell(with_fee, 100_00, at=at)
    assert fees_minor() == 3 * FEE_MINOR  # November, December and January


def test_what_was_paid_a_year_ahead_is_paid(with_fee):
    sell(with_fee, 1_000_00, at=TODAY)
    sell(with_fee, 1_000_00, at=TODAY + YEAR)
    assert fees_minor() == 13 * FEE_MINOR
    for months in range(12):
        sell(with_fee, 1_000_00, at=TODAY + timedelta(minutes=1) + months * 30 * DAY)
    assert fees_minor() == 13 * FEE_MINOR
    sell(with_fee, 1_000_00, at=TODAY + YEAR + 31 * DAY)
    assert fees_minor() == 14 * FEE_MINOR


def test_what_a_fee_was_left_owed_is_paid_once(with_fee):
    sell(with_fee, 5_00, at=TODAY + HOUR)  # all of it for the fee
    sell(with_fee, 100_00, at=TODAY)
    sell(with_fee, 100_00, at=TODAY + timedelta(minutes=1))
    sell(with_fee, 100_00, at=TODAY + HOUR * 2)
    assert fees_minor() == FEE_MINOR


# --- what waits, and what begins later than was meant -----------------------------------------


@AHEAD
def test_a_message_to_a_person_does_not_wait_for_that_far_time(db, ahead):
    class Carrier:
        def deliver(self, notification):
            taken.append(notification.key)

    taken: list[str] = []
    words = {"kind": "t", "recipient": "T", "phone": "", "email": "", "subject": "s", "body": "b"}
    notifications.notify(key="one", at=NOON + ahead, **words)
    notifications.deliver_due(carrier=Carrier(), at=NOON)
    assert taken == (["one"] if ahead == YEAR else [])  # an hour may be a pause after a failure
    notifications.deliver_due(carrier=Carrier(), at=NOON + HOUR)
    assert taken == ["one"]


def test_an_event_does_not_wait_for_that_far_time_nor_does_its_receiver_rest(db):
    webhook = Subscription.objects.create(
        program=program_named("bank"), url="https://h/",
        kinds=["sale.made"], sealed_secret=b"s", created_at=NOON, created_by=console_user(),
        resting_until=NOON + YEAR,
    )  # fmt: skip
    event = Event.objects.create(
        public_id="e", key="k", kind="sale.made", at=NOON, body="{}", made_at=NOON
    )
    Delivery.objects.create(
        subscription=webhook, event=event, queued_at=NOON + YEAR, next_attempt_at=NOON + YEAR
    )
    assert len(worker.lease(at=NOON, most=5, busy=Counter())) == 1
    assert worker.lease(at=NOON, most=5, busy=Counter()) == []  # nobody else sends it meanwhile


def test_a_key_and_a_tariff_made_ahead_are_shown_to_a_person_until_they_begin(db):
    then = NOON + YEAR
    make_version(then)
    load_vending_key(
        clear_key=bytes(range(20)), sgc="123456", kt=2, krn=1, base_date=2014,
        by=console_user(), at=then,
    )  # fmt: skip
    make_version(NOON + 2 * DAY, at=NOON)  # meant to begin later: nothing to see to
    assert "work items" in look_ahead(at=NOON).told
    open_items = WorkItem.objects.filter(closed_at=None)
    assert ["key" in one.summary for one in open_items.order_by("pk")] == [True, False]
    look_ahead(at=NOON + DAY)
    assert open_items.count() == 2  # each is told once
    assert look_ahead(at=then).told == "Nothing was."
    assert not open_items.exists()


def make_version(valid_from, at=None):
    return publish_version(
        code="made-ahead", name="Made ahead", valid_from=valid_from, by=console_user(),
        rules=flat(price_minor_per_kwh=Decimal(200), tax_percent=Decimal(0)), at=at or valid_from,
    )  # fmt: skip
