"""An installed base is taken over, and its customers go on buying as if nothing had happened."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from headend.accounts.services import console_user
from headend.customers.models import Customer, SupplyAgreement
from headend.customers.services import end_agreement
from headend.debts.models import Debt
from headend.exchange import jobs
from headend.exchange.models import Job
from headend.exchange.runner import Runner
from headend.ledger.proofs import differences_of, prove
from headend.meters.models import Meter
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.tariffs import components as kinds
from headend.tariffs.rules import TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply, new_drn
from headend.vending.models import OpeningUse
from headend.vending.services import vend
from shared.sts import token_identifier

pytestmark = pytest.mark.django_db

HEADING = (
    "meter,sgc,ti,krn,ken,base_date,ea,dkga,last_tid,last_token_at,month_to_date_kwh,as_of,"
    "customer_reference,name,phone,address,tariff,since,payment_mode,"
    "debt_reference,debt_amount,debt_method,debt_rate"
)
USUAL = {
    "sgc": DEMONSTRATION_SGC,
    "last_token_at": "2026-11-21 13:57",  # in Johannesburg, three minutes before NOON
    "month_to_date_kwh": "45",
    "customer_reference": "C-1",
    "name": "Nomsa Dube",
    "address": "12 Acacia Street",
    "tariff": "steps",
    "since": "2019-05-01",
    "debt_reference": "D-1",
    "debt_amount": "100.00",
    "debt_method": "per_purchase",
    "debt_rate": "5.00",
}


@pytest.fixture(autouse=True)
def tariff():
    """50 kWh a month at 1.00, then 2.00; a service fee of 10.00 a month."""
    by = console_user()
    load_demonstration_keys(by=by, at=NOON)
    rules = TariffRules(
        (
            kinds.Energy(
                "Energy", (kinds.Step(Decimal(50), Decimal(1)), kinds.Step(None, Decimal(2)))
            ),
            kinds.PeriodicFee("Service", Decimal(10)),
        )
    )
    publish_version(
        code="steps",
        name="Steps",
        rules=rules,
        valid_from=NOON - timedelta(days=400),
        by=by,
        at=NOON,
    )


@pytest.fixture
def drn():
    return new_drn()


def line(drn, **changed):
    cells = USUAL | {"meter": drn} | changed
    return ",".join(cells.get(name, "") for name in HEADING.split(","))


def run(*rows, dry_run=False):
    runner = Runner(lambda: NOON)
    job = jobs.hand_in(
        "take-over",
        io.BytesIO("\n".join([HEADING, *rows]).encode()),
        file_name="base.csv",
        dry_run=dry_run,
        by=console_user(),
        at=NOON,
    )
    claimed = runner.claim()
    assert claimed == job
    runner.run(claimed)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.problem
    return [(one.outcome, one.code, one.explanation) for one in job.results.all()]


def buy(drn, tender_minor, message_id="1", at=NOON):
    return vend(
        caller="test",
        message_id=message_id,
        meter=Meter.objects.get(drn=drn),
        tender_minor=tender_minor,
        operator=console_user(),
        at=at,
    )


def test_a_meter_is_taken_over_with_all_that_belongs_to_it(drn):
    ((outcome, _, said),) = run(line(drn, ti="7", krn="2", payment_mode="postpayment"))
    assert (outcome, said[:16]) == ("added", "next token above")
    meter = Meter.objects.get()
    assert (meter.drn, meter.status, meter.ti, meter.krn) == (drn, "installed", 7, 2)
    assert meter.intended_payment_mode == "postpayment"
    issued_at = datetime(2026, 11, 21, 11, 57, tzinfo=UTC)  # in Johannesburg 13:57
    assert meter.last_tid == token_identifier.from_utc(int(issued_at.timestamp()), 2014)
    agreement = SupplyAgreement.objects.get(meter=meter)
    assert (str(agreement.customer), str(agreement.premises)) == ("Nomsa Dube", "12 Acacia Street")
    assert agreement.started_at.year == 2019
    assert Debt.objects.get().balance_minor == 10_000
    assert differences_of(prove(at=NOON)) == []


def test_the_next_purchase_goes_on_where_the_other_system_stopped(drn):
    run(line(drn))
    before = Meter.objects.get().last_tid
    sale = buy(drn, 15_00)
    told = [(one.description, one.amount_minor, one.energy_wh) for one in sale.lines.all()]
    # The month's fee was charged before, 45 kWh were issued before: 5 kWh at 1.00 and 2.5 at 2.00.
    assert told == [
        ("Arrears", 5_00, None),
        ("Energy, step 1", 5_00, 5_000),
        ("Energy, step 2", 5_00, 2_500),
    ]
    assert sale.tokens.get().tid > before
    next_month = buy(drn, 40_00, "2", NOON + timedelta(days=20))
    assert {one.kind: one.amount_minor for one in next_month.lines.all()} == {
        "fee": 10_00,
        "debt": 5_00,
        "energy": 25_00,
    }


def test_a_token_identifier_ahead_of_the_clock_is_gone_on_from(drn):
    ahead = token_identifier.from_utc(int(NOON.timestamp()), 2014) + 600
    run(line(drn, last_token_at="", last_tid=str(ahead)))
    assert buy(drn, 20_00).tokens.get().tid == ahead + 1


def test_nothing_issued_this_month_leaves_this_months_fee_to_be_charged(drn):
    run(line(drn, month_to_date_kwh="0", debt_reference="", debt_amount=""))
    assert {one.kind for one in buy(drn, 30_00).lines.all()} == {"fee", "energy"}


def test_a_trial_keeps_nothing_and_says_the_same(drn):
    rows = (line(drn), line(new_drn(), customer_reference="C-2", last_tid="x", last_token_at=""))
    trial = run(*rows, dry_run=True)
    assert not Meter.objects.exists()
    assert not Customer.objects.exists()
    assert run(*rows) == trial
    assert [outcome for outcome, _, _ in trial] == ["added", "error"]


def test_taken_over_again_nothing_is_doubled_and_what_was_mended_is_added(drn):
    other = new_drn()
    wrong = line(other, customer_reference="C-2", debt_reference="D-2", tariff="nobody's")
    assert [one[0] for one in run(line(drn), wrong)] == ["added", "error"]
    assert Meter.objects.count() == 1  # a row that fails leaves nothing of itself
    buy(drn, 15_00)
    last_tid = Meter.objects.get().last_tid
    mended = line(other, customer_reference="C-2", debt_reference="D-2")
    assert [one[0] for one in run(line(drn), mended)] == ["unchanged", "added"]
    assert Meter.objects.get(drn=drn).last_tid == last_tid
    assert (OpeningUse.objects.count(), Debt.objects.count()) == (2, 2)
    agreement = SupplyAgreement.objects.get(meter__drn=drn)
    end_agreement(agreement, by=console_user(), at=NOON + timedelta(hours=1), reason="moved out")
    ((outcome, _, said),) = run(line(drn, phone="1"))
    assert (outcome, "ended since" in said) == ("unchanged", True)


def test_a_customer_with_two_meters_is_one_customer(drn):
    second = line(new_drn(), address="Elsewhere", debt_reference="", debt_amount="")
    assert [one[0] for one in run(line(drn), second)] == ["added", "added"]
    assert Customer.objects.get().agreements.count() == 2


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"last_token_at": ""}, "write none for a meter never vended to"),
        ({"last_tid": "5"}, "one is enough"),
        ({"last_token_at": "yesterday"}, "is not a time"),
        ({"last_token_at": "1999-01-01"}, "base date 2014"),
        ({"last_token_at": "2027-01-01"}, "is the base date another one"),
        ({"last_token_at": "", "last_tid": "9" * 8}, "is the base date another one"),
        ({"month_to_date_kwh": ""}, "is not a figure in kWh"),
        ({"as_of": "2026-12-01"}, "has not come yet"),
        ({"customer_reference": ""}, "customer_reference is empty"),
        ({"since": "2027-01-01"}, "later than now"),
        ({"debt_reference": ""}, "taken over twice"),
        ({"sgc": "12345"}, "supply group"),
        ({"ea": "11", "dkga": "2"}, "meter_ea11_needs_dkga04"),
        ({"payment_mode": "barter"}, "none of prepayment, postpayment"),
    ],
)
def test_a_row_that_can_not_be_is_refused_and_leaves_nothing(drn, changed, why):
    ((outcome, code, said),) = run(line(drn, **changed))
    assert (outcome, bool(code)) == ("error", True)
    assert why in said
    assert not Meter.objects.exists()
    assert not Customer.objects.exists()


def test_a_meter_never_vended_to_has_no_identifier_yet(drn):
    run(line(drn, last_token_at="", last_tid="none"))
    assert Meter.objects.get().last_tid is None


def test_a_meter_that_is_used_here_is_not_taken_over():
    supply = make_supply()
    ((outcome, code, said),) = run(line(supply.meter.drn))
    assert (outcome, code, "in use here already" in said) == ("error", "row_differs", True)


def test_another_name_for_a_known_customer_is_refused(drn):
    run(line(drn))
    assert run(line(new_drn(), name="Somebody Else"))[0][1] == "row_differs"
