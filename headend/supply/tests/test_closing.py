"""Closing an account: what it shows, what it settles, what stays open, who may."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.errors import NoSupplyAgreement
from headend.customers.services import end_agreement, open_agreement, register_customer
from headend.debts.models import Debt
from headend.fleet.models import Command, WorkItem
from headend.fleet.services import queue_token
from headend.ledger import proofs
from headend.ledger.queries import balance_minor
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import closings, refunds, replacements, transfers, trials
from headend.supply.errors import (
    ClosingNotPossible,
    InvalidRegisters,
    ReplacementNotPossible,
)
from headend.supply.models import Closing, Settlement
from headend.supply.replacements import OldMeter
from headend.supply.rules import set_rule
from headend.supply.tests.conftest import DAY, LATER, agrees, close, lines, owe, sell, tell_state
from headend.tariffs.components import NEXT_PURCHASE, NOW, Energy, Lifeline, PeriodicFee, Step, Tax
from headend.tariffs.rules import TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_meter, new_drn
from headend.vending import free_electricity, free_programmes, reversals
from headend.vending import services as vending
from headend.vending.errors import ReversalRefused
from headend.vending.models import FreeAmount, FreeProgramme

pytestmark = pytest.mark.django_db


def test_credit_is_refunded_at_the_price_of_the_last_purchase(supply):
    done = close(supply)
    # 10 kWh at 2.50, and 15 % tax on it.
    assert lines(done) == [("credit", 25_00), ("tax", 3_75), ("refund", -28_75)]
    assert done.lines.first().explanation.startswith("R\u00a02.875/kWh, as in purchase")
    assert (done.refund_minor, done.owed_minor, done.debt) == (28_75, 0, None)
    assert balance_minor("refunds.customers", "ZAR") == -28_75
    assert balance_minor("returns.energy", "ZAR") == 25_00
    assert agrees()


def test_a_trial_shows_the_same_and_changes_nothing(supply):
    debt = owe(supply.customer, 20_00)
    tell_state(supply.meter, energy_wh=12_000, credit_wh=10_000)
    before = AuditEntry.objects.count()
    shown = trials.trial(supply, at=LATER)
    assert shown.is_estimate
    assert shown.reckoning is not None
    assert [(line.kind, line.amount_minor) for line in shown.reckoning.lines] == [
        ("credit", 25_00), ("tax", 3_75), ("debt", -20_00), ("refund", -8_75),
    ]  # fmt: skip
    assert AuditEntry.objects.count() == before
    debt.refresh_from_db()
    assert debt.balance_minor == 20_00
    assert lines(close(supply)) == [
        (line.kind, line.amount_minor) for line in shown.reckoning.lines
    ]


def test_a_meter_that_never_told_anything_leaves_the_amount_unknown(supply):
    shown = trials.trial(supply, at=LATER)
    assert (shown.registers, shown.reckoning) == (None, None)


def test_debts_of_the_customer_are_paid_by_priority_and_those_of_the_premises_stay(supply):
    second = owe(supply.customer, 20_00, title="Fine", priority=2)
    first = owe(supply.customer, 15_00, title="Arrears", priority=1)
    stays = owe(supply.premises, 5_00, title="Cable")
    done = close(supply)
    assert lines(done)[2:] == [("debt", -15_00), ("debt", -13_75)]
    for debt, left_minor in ((first, 0), (second, 6_25), (stays, 5_00)):
        debt.refresh_from_db()
        assert debt.balance_minor == left_minor
        assert balance_minor(debt.account, "ZAR") == left_minor
    assert done.particulars["debts_left"] == [{"title": "Fine", "left_minor": 6_25}]
    assert agrees()


def test_by_rule_debts_of_the_premises_are_settled_too(supply):
    set_rule(valuation="last_purchase", premises_debts_settled=True, by=console_user(), at=NOON)
    cable = owe(supply.premises, 5_00, title="Cable")
    done = close(supply)
    cable.refresh_from_db()
    assert (cable.balance_minor, done.refund_minor) == (0, 23_75)
    assert agrees()


def test_a_sale_is_not_taken_back_once_its_account_was_settled(supply):
    sale = vending.vend(
        caller="test",
        message_id="held",
        meter=supply.meter,
        tender_minor=50_00,
        operator=console_user(),
        at=NOON + timedelta(minutes=30),
        hold_token=True,
    )
    close(supply)
    with pytest.raises(ReversalRefused, match="its account was settled"):
        reversals.reverse(
            caller="test", message_id="r", sale=sale, by=console_user(), at=LATER, reason="wrong"
        )
    assert agrees()


def test_free_energy_is_not_given_back_in_money(supply):
    give_free(supply, 5_000)
    done = close(supply, credit_wh=10_000)
    # What was issued last is left: 5.0 kWh for nothing, and 5.0 kWh at 2.875.
    assert lines(done) == [("credit", 12_50), ("tax", 1_88), ("credit", 0), ("refund", -14_38)]
    assert agrees()


def test_free_energy_that_only_a_reading_tells_of_is_not_given_back_in_money(supply):
    tell_state(supply.meter, energy_wh=12_000, credit_wh=10_000)
    give_free(supply, 5_000)
    # The meter told 10.0 kWh; 13.0 are read: some was used since the free 5.0 were typed.
    done = close(supply, credit_wh=13_000)
    assert lines(done)[:3] == [("credit", 25_00), ("tax", 3_75), ("credit", 0)]
    assert agrees()


def test_free_energy_that_came_with_a_reversed_sale_and_was_not_entered_is_not_in_the_credit(
    supply,
):
    tell_state(supply.meter, energy_wh=12_000, credit_wh=10_000)
    enrol_for_free(supply, 5_000)
    sale = vending.vend(
        caller="test",
        message_id="held",
        meter=supply.meter,
        tender_minor=50_00,
        operator=console_user(),
        at=NOON + DAY / 2,
        hold_token=True,
    )
    reversals.reverse(
        caller="test", message_id="r", sale=sale, by=console_user(), at=LATER, reason="wrong"
    )
    assert close(supply, credit_wh=10_000).refund_minor == 28_75


def give_free(supply, energy_wh, at=NOON + DAY / 2):
    enrol_for_free(supply, energy_wh)
    return free_electricity.grant(meter=supply.meter, by=console_user(), at=at)


def enrol_for_free(supply, energy_wh):
    programme = FreeProgramme.objects.create(code="fbe", title="Free basic electricity")
    FreeAmount.objects.create(
        programme=programme,
        from_month=free_electricity.month_of(NOON),
        energy_wh=energy_wh,
        registered_at=NOON,
        requested_by=console_user(),
        approved_by=create_user(username="second", password=None),
    )
    free_programmes.enrol(
        programme=programme,
        customer=supply.customer,
        premises=supply.premises,
        from_month=free_electricity.month_of(NOON),
        by=console_user(),
        at=NOON,
    )


def test_credit_of_a_replaced_meter_that_was_not_moved_is_settled(supply):
    old = supply.meter
    done = replacements.replace(
        supply,
        register_meter(
            drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
        ),
        old=OldMeter(),
        new_energy_wh=0,
        by=console_user(),
        at=NOON + DAY / 2,
        reason="burnt",
    )
    with pytest.raises(ClosingNotPossible, match=f"what meter {old} held is not known"):
        close(supply, energy_wh=0, credit_wh=0)
    replacements.note_registers(
        done, energy_wh=12_000, credit_wh=10_000, by=console_user(), at=LATER
    )
    settlement = closings.settle(Closing.objects.get(), by=console_user(), at=LATER)
    assert lines(settlement)[1:] == [("replaced", 25_00), ("replaced", 3_75), ("refund", -28_75)]
    done.refresh_from_db()
    assert (done.settlement, replacements.is_open(done)) == (settlement, False)
    with pytest.raises(ReplacementNotPossible, match="has ended"):
        transfers.transfer_by_token(done, by=console_user(), at=LATER)
    assert agrees()
    assert not WorkItem.objects.filter(closed_at=None).exists()


def test_fees_are_due_up_to_the_closing_with_their_tax(supply):
    publish_version(
        code="test",
        name="Test",
        valid_from=NOON + timedelta(seconds=1),
        rules=TariffRules(
            (
                Energy("Energy", (Step(None, Decimal("2.50")),)),
                PeriodicFee("Service", Decimal(10)),
                Tax("VAT", Decimal(15), ("Energy", "Service")),
            )
        ),
        by=console_user(),
        at=NOON,
    )
    done = close(supply, at=NOON + 40 * DAY)  # two months have begun without the fee
    assert lines(done) == [
        ("credit", 25_00), ("tax", 3_75), ("fee", -20_00), ("fee", -3_00), ("refund", -5_75),
    ]  # fmt: skip
    assert balance_minor("sales.fees.service", "ZAR") == -20_00
    assert agrees()


def test_energy_of_a_lower_price_is_paid_in_full_at_the_closing(supply):
    publish_version(
        code="test",
        name="Test",
        valid_from=NOON + timedelta(seconds=1),
        rules=TariffRules(
            (
                Energy("Energy", (Step(None, Decimal(2)),)),
                Lifeline("Small", Decimal(30), Decimal("1.90"), NEXT_PURCHASE),
                Tax("VAT", Decimal(10), ("Energy",)),
            )
        ),
        by=console_user(),
        at=NOON,
    )
    sell(supply, 100_00, at=NOON + timedelta(hours=1))  # passes 30 kWh of the month
    done = close(supply, at=NOON + 40 * DAY)
    # 17.3 kWh were sold at the version before, so 12.7 at 1.90 instead of 2.00.
    assert lines(done)[2:4] == [("fee", -1_27), ("fee", -13)]
    assert agrees()


NEXT_MONTH = NOON + 20 * DAY


def small_users(recover):
    """Publish a lower price for small users, and a lower fee, from the next month on."""
    publish_version(
        code="test",
        name="Test",
        valid_from=NEXT_MONTH,
        rules=TariffRules(
            (
                PeriodicFee("Service", Decimal(10), lifeline_amount=Decimal(2)),
                Energy("Energy", (Step(None, Decimal(2)),)),
                Lifeline("Small", Decimal(30), Decimal(1), recover),
            )
        ),
        by=console_user(),
        at=NOON,
    )


@pytest.mark.parametrize(("recover", "fee_minor"), [(NOW, 2_00), (NEXT_PURCHASE, 10_00)])
def test_a_closing_charges_the_fee_that_a_purchase_would(supply, recover, fee_minor):
    small_users(recover)
    done = close(supply, at=NEXT_MONTH + timedelta(hours=1))
    assert ("fee", -fee_minor) in lines(done)
    assert agrees()


def test_what_gifts_brought_beyond_the_limit_is_paid_in_full_at_the_closing(supply):
    small_users(NOW)
    sell(supply, 22_00, at=NEXT_MONTH + timedelta(hours=1))  # a fee of 2.00, 20 kWh at 1.00
    give_free(supply, 15_000, at=NEXT_MONTH + timedelta(hours=2))
    done = close(supply, credit_wh=25_000, at=NEXT_MONTH + timedelta(hours=3))
    # 15 kWh were given; the other 10 come back at the full price, which is charged for all 20.
    assert lines(done) == [
        ("credit", 20_00), ("credit", 0), ("fee", -8_00), ("fee", -20_00), ("owed", 8_00),
    ]  # fmt: skip
    assert agrees()


def test_energy_left_of_a_lower_price_comes_back_at_the_price_that_is_charged_for_it(supply):
    small_users(NEXT_PURCHASE)
    sell(supply, 60_00, at=NEXT_MONTH + timedelta(hours=1))  # 10.00, 30 kWh at 1.00, 10 at 2.00
    done = close(supply, credit_wh=40_000, at=NEXT_MONTH + timedelta(hours=2))
    # All 40 kWh are left: what was paid for them comes back, the fee does not.
    assert lines(done) == [("credit", 80_00), ("fee", -30_00), ("refund", -50_00)]
    assert agrees()


def test_what_the_credit_does_not_cover_becomes_a_debt_of_the_customer(supply):
    done = close(supply, credit_wh=-4_000)
    assert lines(done) == [("credit", -10_00), ("tax", -1_50), ("owed", 11_50)]
    debt = Debt.objects.get()
    assert (debt.customer, debt.balance_minor) == (supply.customer, 11_50)
    assert done.debt == debt
    assert balance_minor("closings.customers", "ZAR") == 0
    assert agrees()


@pytest.mark.parametrize(
    ("rule", "credit", "refund_minor"),
    [
        ({"valuation": "nothing"}, ("credit", 0), 0),
        (
            {"valuation": "fixed", "price_minor_per_kwh": Decimal("199.5")},
            ("credit", 19_95),
            19_95,
        ),
    ],
)
def test_the_rule_decides_what_credit_is_worth(supply, rule, credit, refund_minor):
    set_rule(**rule, by=console_user(), at=NOON)
    done = close(supply)
    assert lines(done)[0] == credit
    assert done.refund_minor == refund_minor
    assert agrees()


def test_steps_count_with_their_average(supply):
    publish_version(
        code="test",
        name="Test",
        valid_from=NOON + timedelta(seconds=1),
        rules=TariffRules(
            (Energy("Energy", (Step(Decimal(30), Decimal(1)), Step(None, Decimal(2)))),)
        ),
        by=console_user(),
        at=NOON,
    )
    # 17.3 kWh were bought this month, so 12.7 at 1.00 and 10 at 2.00 follow: 1.4405 on average.
    sell(supply, 32_70, at=NOON + timedelta(hours=1))
    assert lines(close(supply)) == [("credit", 14_41), ("refund", -14_41)]


def test_nothing_is_sold_from_the_notice_on(supply):
    closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=False)
    with pytest.raises(NoSupplyAgreement):
        vending.trial_vend(meter=supply.meter, tender_minor=50_00, at=LATER)


def test_orders_that_wait_for_the_meter_are_called_back(supply):
    waiting = queue_token(meter=supply.meter, digits="1" * 20, requested_by=None, at=NOON)
    closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=True)
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    assert Command.objects.get(state="pending").command == "close_account"


def test_an_account_is_settled_once_and_with_known_registers_only(supply):
    closing = closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=False)
    with pytest.raises(ClosingNotPossible, match="open"):
        closings.settle(closing, by=console_user(), at=LATER)
    closings.note_registers(
        closing, energy_wh=12_000, credit_wh=10_000, by=console_user(), at=LATER
    )
    closings.settle(closing, by=console_user(), at=LATER)
    with pytest.raises(ClosingNotPossible, match="settled"):
        closings.settle(closing, by=console_user(), at=LATER)
    with pytest.raises(ClosingNotPossible, match="stand"):
        closings.note_registers(closing, energy_wh=1, credit_wh=0, by=console_user(), at=LATER)
    assert Settlement.objects.count() == 1


def test_registers_below_what_the_meter_told_are_refused(supply):
    tell_state(supply.meter, energy_wh=12_000, credit_wh=10_000)
    closing = closings.start(supply, by=console_user(), at=LATER, reason="moves", ask_meter=False)
    with pytest.raises(InvalidRegisters, match=r"told 12\.0 kWh"):
        closings.note_registers(
            closing, energy_wh=11_999, credit_wh=0, by=console_user(), at=LATER
        )


def test_what_was_settled_is_never_changed(supply):
    done = close(supply)
    for row in (done, done.lines.first()):
        with pytest.raises(DatabaseError), transaction.atomic():
            row.save()


def test_credit_that_a_person_read_stays_an_open_item_until_it_is_cleared(supply):
    closing = close(supply).closing
    item = WorkItem.objects.get(closed_at=None)
    assert supply.meter.drn in item.summary
    assert closing.needs_clearing
    closings.mark_cleared(
        closing, by=console_user(), at=LATER, how="token", note="token entered, meter shows 0"
    )
    closing.refresh_from_db()
    item.refresh_from_db()
    assert not closing.needs_clearing
    assert item.closed_at == LATER
    with pytest.raises(ClosingNotPossible):
        closings.mark_cleared(closing, by=console_user(), at=LATER, how="person", note="again")


def test_only_who_may_closes_and_pays(supply):
    auditor = create_user(username="looks", password=None, groups=("auditor",))
    with pytest.raises(NotPermitted):
        closings.start(supply, by=auditor, at=LATER, reason="x", ask_meter=False)
    done = close(supply)
    with pytest.raises(NotPermitted):
        refunds.pay(done, method="cash", by=auditor, at=LATER)


def test_tokens_that_may_still_be_entered_are_shown(supply):
    assert [one.sale for one in trials.trial(supply, at=LATER).tokens] == [supply.sales.get()]


def test_a_proof_finds_a_settlement_that_says_otherwise(supply, triggers_off):
    close(supply)
    Settlement.objects.update(refund_minor=1)
    found = proofs.differences_of(proofs.prove(at=LATER))
    assert {one.proof for one in found} >= {
        "a settlement's lines add up to nothing",
        "what customers who left are owed is what was settled and not paid",
    }


def test_an_agreement_that_was_only_ended_can_still_be_settled(supply):
    end_agreement(supply, by=console_user(), at=LATER, reason="by the API")
    found = closings.closable(supply.meter, at=LATER + DAY)
    assert found == supply
    assert close(found, at=LATER + DAY).refund_minor == 28_75
    with pytest.raises(
        ClosingNotPossible, match=r"closed already: see closing C\S+, which is settled"
    ):
        closings.closable(supply.meter, at=LATER + DAY)
    with pytest.raises(NoSupplyAgreement):
        closings.closable(make_meter(), at=LATER)


def test_credit_is_not_settled_once_somebody_else_is_served(supply):
    end_agreement(supply, by=console_user(), at=LATER, reason="by the API")
    open_agreement(
        customer=register_customer(name="Next", by=console_user(), at=LATER),
        address="1 Test Road",
        meter=supply.meter,
        tariff=supply.tariff,
        by=console_user(),
        at=LATER,
    )
    with pytest.raises(ClosingNotPossible, match="somebody else"):
        close(supply, at=LATER + DAY)


def test_the_last_bill_of_a_post_payment_meter_is_an_open_item(supply):
    Meter.objects.filter(pk=supply.meter_id).update(intended_payment_mode="postpayment")
    close(supply, credit_wh=0)
    told = WorkItem.objects.get(closed_at=None).summary
    assert "last bill, and order the meter off" in told  # nobody asked it to close its account
