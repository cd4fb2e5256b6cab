"""Free electricity: once a month, counted in the steps, and what a take-over brings along."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.services import end_agreement, open_agreement, register_customer
from headend.ledger.models import Entry
from headend.ledger.proofs import differences_of, prove
from headend.meters.models import Meter
from headend.tariffs import components as kinds
from headend.tariffs.queries import version_in_force
from headend.tariffs.rules import TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_meter, make_supply
from headend.vending import free_electricity, free_programmes
from headend.vending.errors import InvalidFreeProgramme, MeterNotInstalled, NoFreeElectricity
from headend.vending.history import circumstances, state_at_take_over
from headend.vending.models import FreeEnrolment, FreeGrant, FreeProgramme, OpeningUse
from headend.vending.receipts import receipt_of, render_text
from headend.vending.services import vend

pytestmark = pytest.mark.django_db

TODAY = NOON.date()
STEPS = (kinds.Step(Decimal(50), Decimal(1)), kinds.Step(None, Decimal(2)))


def bought_wh(agreement, at=NOON, **energy):
    rules = TariffRules((kinds.Energy("Energy", STEPS, **energy),))
    version = version_in_force(agreement.tariff_id, at=NOON)
    return circumstances(agreement, version, rules, at=at).context.bought_wh


def register(energy_wh=50_000, code="fbe", from_month=TODAY):
    """Have a programme's amount asked for by one and approved by another."""
    request = free_programmes.request_amount(
        code=code,
        title="Free basic electricity",
        from_month=from_month,
        energy_wh=energy_wh,
        by=console_user(),
        at=NOON,
        reason="policy",
    )
    name = "second"
    second = type(console_user()).objects.filter(username=name).first() or create_user(
        username=name, password=None, groups=("approver",)
    )
    approvals.approve(request, by=second, at=NOON)
    return FreeProgramme.objects.get(code=code)


def enrol(agreement, programme=None, from_month=TODAY):
    return free_programmes.enrol(
        programme=programme or register(),
        customer=agreement.customer,
        premises=agreement.premises,
        from_month=from_month,
        by=console_user(),
        at=NOON,
    )


def grant(meter, at=NOON, by=None):
    return free_electricity.grant(meter=meter, by=by or console_user(), at=at)


@pytest.fixture
def agreement():
    made = make_supply()
    enrol(made)
    return made


def test_a_month_is_given_once_and_asking_again_shows_the_same_token(agreement):
    first = grant(agreement.meter)
    assert (first.energy_wh, first.month, first.token.units) == (50_000, date(2026, 11, 1), 500)
    assert first.token.purpose == "Free basic electricity 2026-11"
    assert first.token.tid == Meter.objects.get(pk=agreement.meter_id).last_tid
    assert not Entry.objects.exists()
    assert grant(agreement.meter, NOON + timedelta(days=3)) == first
    assert AuditEntry.objects.filter(action="vending.show_free_electricity").count() == 1
    # The month ends at midnight in Johannesburg, two hours before it does in Greenwich.
    later = NOON.replace(day=30, hour=22)
    assert grant(agreement.meter, later).month == date(2026, 12, 1)
    assert FreeGrant.objects.count() == 2


def test_another_meter_in_the_month_gives_nothing_more(agreement):
    grant(agreement.meter)
    at = NOON + timedelta(days=1)
    end_agreement(agreement, by=console_user(), at=at, reason="meter replaced")
    again = open_agreement(
        customer=agreement.customer,
        address=agreement.premises.address,
        meter=make_meter(),
        tariff=agreement.tariff,
        by=console_user(),
        at=at,
    )
    with pytest.raises(NoFreeElectricity, match="once a month"):
        grant(again.meter, at)
    assert grant(again.meter, at + timedelta(days=20)).agreement == again


@pytest.mark.parametrize("who_moves", ["the customer elsewhere", "another customer in"])
def test_a_move_within_the_month_gives_nothing_more(agreement, who_moves):
    grant(agreement.meter)
    at = NOON + timedelta(days=1)
    end_agreement(agreement, by=console_user(), at=at, reason="moves")
    stays = who_moves == "the customer elsewhere"
    newcomer = register_customer(name="New", by=console_user(), at=at)
    moved = open_agreement(
        customer=agreement.customer if stays else newcomer,
        address="Elsewhere 1" if stays else agreement.premises.address,
        meter=make_meter(),
        tariff=agreement.tariff,
        by=console_user(),
        at=at,
    )
    with pytest.raises(NoFreeElectricity, match=r"enrolled in no programme|once a month"):
        grant(moved.meter, at)
    enrol(moved, FreeProgramme.objects.get())
    with pytest.raises(NoFreeElectricity, match="once a month"):
        grant(moved.meter, at)


def test_only_who_is_enrolled_and_only_while_it_lasts(agreement):
    with pytest.raises(NoFreeElectricity, match="enrolled in no programme"):
        grant(make_supply().meter)
    enrolment = FreeEnrolment.objects.get()
    free_programmes.end_enrolment(
        enrolment, until_month=date(2026, 12, 9), by=console_user(), at=NOON, reason="moved on"
    )
    assert grant(agreement.meter).enrolment == enrolment
    with pytest.raises(NoFreeElectricity):
        grant(agreement.meter, NOON + timedelta(days=20))
    with pytest.raises(InvalidFreeProgramme, match="ended already"):
        free_programmes.end_enrolment(
            enrolment, until_month=date(2027, 1, 1), by=console_user(), at=NOON, reason="again"
        )


def test_a_later_amount_replaces_the_earlier_and_nothing_ends_the_programme(agreement):
    register(energy_wh=60_000, from_month=date(2026, 12, 1))
    register(energy_wh=0, from_month=date(2027, 1, 1))
    assert grant(agreement.meter).energy_wh == 50_000
    assert grant(agreement.meter, NOON + timedelta(days=20)).energy_wh == 60_000
    with pytest.raises(NoFreeElectricity):
        grant(agreement.meter, NOON + timedelta(days=60))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"energy_wh": 50_050}, "in steps of"),
        ({"energy_wh": -100}, "0 to"),
        ({"from_month": date(2026, 10, 31)}, "has passed"),
        ({"code": " "}, "a code and a title"),
    ],
)
def test_what_makes_no_sense_is_not_even_asked_for(changed, why):
    with pytest.raises(InvalidFreeProgramme, match=why):
        register(**changed)


def test_what_was_given_from_is_not_changed_for_the_same_month(agreement):
    with pytest.raises(InvalidFreeProgramme, match="there is an amount already"):
        register(energy_wh=60_000)
    at_once = register(code="late", from_month=date(2026, 12, 1))
    assert at_once.amounts.count() == 1


def test_who_is_enrolled_is_not_enrolled_again(agreement):
    with pytest.raises(InvalidFreeProgramme, match="enrolled already"):
        enrol(agreement, FreeProgramme.objects.get())


def test_a_cashier_gives_what_nobody_else_may(agreement):
    cashier = create_user(username="c", password=None, groups=("cashier",))
    auditor = create_user(username="a", password=None, groups=("auditor",))
    with pytest.raises(NotPermitted):
        grant(agreement.meter, by=auditor)
    assert grant(agreement.meter, by=cashier).granted_by == cashier


def test_a_meter_that_is_not_in_use_gets_none(agreement):
    Meter.objects.filter(pk=agreement.meter_id).update(status=Meter.Status.REMOVED)
    with pytest.raises(MeterNotInstalled):
        grant(agreement.meter)


def test_free_units_count_in_the_month_unless_the_tariff_says_otherwise():
    agreement = make_supply()
    enrol(agreement)
    grant(agreement.meter)
    assert bought_wh(agreement) == 50_000
    assert bought_wh(agreement, free_units_count=False) == 0
    assert bought_wh(agreement, at=NOON + timedelta(days=20)) == 0


def test_the_use_before_a_take_over_counts_in_its_month():
    agreement = make_supply()
    OpeningUse.objects.create(
        agreement=agreement,
        as_of=NOON,
        issued_wh=120_000,
        recorded_at=NOON,
        recorded_by=console_user(),
    )
    assert bought_wh(agreement) == 120_000
    assert bought_wh(agreement, free_units_count=False) == 120_000
    assert bought_wh(agreement, at=NOON + timedelta(days=20)) == 0


def test_fees_charged_before_a_take_over_are_not_charged_again():
    agreement = make_supply()
    rules = TariffRules(
        (
            kinds.Energy("Energy", STEPS, limits_accumulate=True),
            kinds.PeriodicFee("Service", Decimal(10)),
        )
    )
    version = version_in_force(agreement.tariff_id, at=NOON)

    def first_sale(at):
        return circumstances(agreement, version, rules, at=at).context

    assert first_sale(NOON).fees["Service"].periods == 1
    OpeningUse.objects.create(
        agreement=agreement,
        as_of=NOON,
        issued_wh=1,
        state=state_at_take_over(rules, at=NOON),
        recorded_at=NOON,
        recorded_by=console_user(),
    )
    assert first_sale(NOON).fees["Service"].periods == 0
    assert first_sale(NOON + timedelta(days=61)).fees["Service"].periods == 2
    assert first_sale(NOON + timedelta(days=61)).limit_periods == 2


def sell(agreement, message_id, at=NOON, tender_minor=5_000, **more):
    return vend(
        caller="test",
        message_id=message_id,
        meter=agreement.meter,
        tender_minor=tender_minor,
        operator=console_user(),
        at=at,
        **more,
    )


def test_it_comes_with_the_first_purchase_as_a_token_of_its_own(agreement):
    sale = sell(agreement, "1")
    bought, free = sale.tokens.order_by("position")
    assert (free.units, free.tid) == (500, bought.tid + 1)
    assert free.free_grant.energy_wh == 50_000
    assert sale.encoded_wh == bought.units * 100
    printed = receipt_of(sale)
    assert [one.title for one in printed.tokens] == [
        "Electricity",
        "Free basic electricity 2026-11",
    ]
    assert "in this order" in printed.how_to_enter
    assert "Free basic electricity 2026-11 50.0 kWh" in render_text(printed)
    assert sell(agreement, "1") == sale
    assert sell(agreement, "2").tokens.count() == 1
    assert sell(agreement, "3", NOON + timedelta(days=20)).tokens.count() == 2
    assert differences_of(prove(at=NOON)) == []


def test_it_is_sent_to_the_meter_with_the_purchase(agreement):
    sale = sell(agreement, "1", send=True)
    assert [one.delivery is not None for one in sale.tokens.all()] == [True, True]


def test_units_given_with_a_purchase_count_for_the_next_one(agreement):
    first, second = sell(agreement, "1"), sell(agreement, "2")
    assert bought_wh(agreement) == first.issued_wh + second.issued_wh + 50_000
    assert first.issued_wh == second.issued_wh  # one price for all energy here


def test_units_given_pass_a_lower_prices_limit_and_what_was_bought_is_repriced(agreement):
    """15 kWh bought at 1.00 and 50 given pass 30: the next 50.00 pay 15.00 more for the 15."""
    publish_version(
        code="test",
        name="Test",
        valid_from=NOON + timedelta(seconds=1),
        rules=TariffRules(
            (
                kinds.Energy("Energy", (kinds.Step(None, Decimal(2)),)),
                kinds.Lifeline("Small", Decimal(30), Decimal(1)),
            )
        ),
        by=console_user(),
        at=NOON,
    )
    at = NOON + timedelta(hours=1)
    sell(agreement, "1", at, tender_minor=15_00)
    second = sell(agreement, "2", at)
    told = {line.description: line.amount_minor for line in second.lines.all()}
    assert told == {"Energy bought earlier, repriced": 15_00, "Energy": 35_00}
    assert second.issued_wh == 17_500
    assert sell(agreement, "3", at).issued_wh == 25_000
    assert differences_of(prove(at=at)) == []
