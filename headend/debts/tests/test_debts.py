"""What changes debts: each act with its ledger entry, and what is refused."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config import opaque
from headend.config.errors import NotPermitted
from headend.debts import acts, queries, services
from headend.debts.allocation import METHODS
from headend.debts.errors import BalanceTooSmall, DebtReferenceTaken, InvalidDebt
from headend.debts.models import Debt
from headend.debts.terms import Terms, months_due, terms_of
from headend.ledger import proofs, suspense
from headend.ledger.queries import balance_minor, trial_balance
from headend.ledger.services import Posting, post
from headend.testing import NOON, make_supply

pytestmark = pytest.mark.django_db

THIRD = Terms(method="percent", percent=Decimal(30))


@pytest.fixture
def supply():
    return make_supply()


def owe(supply, amount_minor=100_00, *, terms=THIRD, at=NOON, **more):
    return services.open_debt(
        **{
            "owner": supply.customer,
            "title": "Arrears",
            "amount_minor": amount_minor,
            "terms": terms,
            "by": console_user(),
            "at": at,
        }
        | more
    )


def ledger_balance(debt):
    return balance_minor(debt.account, debt.currency)


def agrees():
    assert sum(one.amount_minor for one in trial_balance()) == 0
    return proofs.differences_of(proofs.prove(at=NOON)) == []


def test_the_methods_are_those_of_the_allocation():
    assert set(Debt.Method.values) == set(METHODS)


def test_a_debt_is_opened_in_the_ledger(supply):
    debt = owe(supply)
    assert (debt.balance_minor, ledger_balance(debt)) == (100_00, 100_00)
    assert balance_minor("opening.debts", "ZAR") == -100_00
    assert AuditEntry.objects.get(action="debts.open").object_id == str(debt.pk)
    assert agrees()


@pytest.mark.parametrize(
    "terms",
    [
        Terms(method="whenever"),
        Terms(method="percent"),
        Terms(method="percent", percent=Decimal("100.01")),
        Terms(method="per_purchase"),
        Terms(method="per_month", amount_minor=-1),
        Terms(method="instalments", instalments=12),
        Terms(method="instalments", instalments=0, first_due=date(2026, 12, 1)),
        Terms(method="percent", percent=Decimal(30), priority=0),
        Terms(method="percent", percent=Decimal(30), cap_per_month_minor=0),
    ],
)
def test_terms_that_make_no_sense_are_refused(supply, terms):
    with pytest.raises(InvalidDebt):
        owe(supply, terms=terms)


@pytest.mark.parametrize("amount_minor", [0, -1, 10**14])
def test_amounts_that_make_no_sense_are_refused(supply, amount_minor):
    with pytest.raises(InvalidDebt):
        owe(supply, amount_minor)


def test_a_reference_is_opened_once(supply):
    owe(supply, external_reference="A-1")
    with pytest.raises(DebtReferenceTaken):
        owe(supply, external_reference="A-1")


def test_a_debt_has_one_owner(supply):
    debt = owe(supply)
    with pytest.raises(IntegrityError), transaction.atomic():
        Debt.objects.filter(pk=debt.pk).update(premises=supply.premises)


def test_who_may_not_open_debts_opens_none(supply):
    with pytest.raises(NotPermitted):
        owe(supply, by=create_user(username="c", password=None, groups=("cashier",)))


def test_debts_of_the_customer_and_of_the_premises_are_collected(supply):
    owe(supply)
    owe(supply, owner=supply.premises, title="Cut cable")
    other = make_supply()  # another customer at the same address
    owe(other)
    found = queries.collectable(supply, at=NOON)
    assert [Debt.objects.get(pk=one.key).title for one in found] == ["Arrears", "Cut cable"]
    assert [one.key for one in queries.collectable(other, at=NOON)] != [one.key for one in found]


def collected(debt, amount_minor, at):
    services.collect({debt.pk: amount_minor})
    post(
        at=at,
        description="Vend",
        reference=f"sale:{at}",
        postings=[
            Posting("cash.tills", amount_minor, "ZAR"),
            Posting(debt.account, -amount_minor, "ZAR"),
        ],
    )


def test_a_month_counts_what_sales_collected_in_it(supply):
    debt = owe(supply, terms=Terms(method="per_month", amount_minor=30_00))
    collected(debt, 12_00, NOON - timedelta(days=30))
    collected(debt, 7_00, NOON)
    (found,) = queries.collectable(supply, at=NOON + timedelta(hours=1))
    assert (found.balance_minor, found.collected_this_month_minor) == (81_00, 7_00)
    (found,) = queries.collectable(supply, at=NOON + timedelta(days=10))
    assert found.collected_this_month_minor == 0


def test_what_is_paid_is_not_collected_again(supply):
    debt = owe(supply)
    collected(debt, 100_00, NOON)
    assert queries.collectable(supply, at=NOON) == []
    with pytest.raises(IntegrityError), transaction.atomic():
        services.collect({debt.pk: 1})


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2027, 1, 30), 0), (date(2027, 1, 31), 1), (date(2027, 2, 27), 1),
        (date(2027, 2, 28), 2), (date(2027, 3, 30), 2), (date(2027, 12, 31), 12),
        (date(2028, 1, 1), 12), (date(2026, 12, 31), 0), (date(2026, 1, 31), -11),
    ],
)  # fmt: skip
def test_instalments_fall_due_by_the_calendar(today, due):
    assert months_due(date(2027, 1, 31), today) == due


@pytest.fixture
def clerk():
    return create_user(username="clerk", password=None, groups=("utility administrator",))


@pytest.fixture
def approver():
    return create_user(username="approver", password=None, groups=("approver",))


def test_a_write_off_needs_two_people(supply, clerk, approver):
    debt = owe(supply)
    request = acts.request_write_off(debt, 40_00, by=clerk, at=NOON, reason="died")
    assert ledger_balance(debt) == 100_00
    with pytest.raises(SamePerson):
        approvals.approve(request, clerk, NOON)
    approvals.approve(request, approver, NOON)
    debt.refresh_from_db()
    assert (debt.balance_minor, ledger_balance(debt)) == (60_00, 60_00)
    assert balance_minor("losses.debts", "ZAR") == 40_00
    assert agrees()


def test_a_write_off_of_what_has_been_paid_meanwhile_is_refused(supply, clerk, approver):
    debt = owe(supply)
    request = acts.request_write_off(debt, 100_00, by=clerk, at=NOON, reason="died")
    collected(debt, 1, NOON)
    with pytest.raises(BalanceTooSmall, match=r"only R\s99\.99 of .* is still owed"):
        approvals.approve(request, approver, NOON)
    assert ledger_balance(debt) == Debt.objects.get().balance_minor == 99_99


@pytest.mark.parametrize("change_minor", [25_00, -25_00])
def test_an_adjustment_raises_or_lowers(supply, clerk, approver, change_minor):
    debt = owe(supply)
    request = acts.request_adjustment(debt, change_minor, by=clerk, at=NOON, reason="misread")
    approvals.approve(request, approver, NOON)
    debt.refresh_from_db()
    assert (debt.balance_minor, ledger_balance(debt)) == (100_00 + change_minor,) * 2
    assert balance_minor("adjustments.debts", "ZAR") == -change_minor
    assert agrees()


def test_requests_that_make_no_sense_are_refused_at_once(supply, clerk):
    debt = owe(supply)
    with pytest.raises(BalanceTooSmall):
        acts.request_write_off(debt, 100_01, by=clerk, at=NOON, reason="x")
    with pytest.raises(BalanceTooSmall):
        acts.request_adjustment(debt, -100_01, by=clerk, at=NOON, reason="x")
    with pytest.raises(InvalidDebt):
        acts.request_write_off(debt, 0, by=clerk, at=NOON, reason="x")
    with pytest.raises(InvalidDebt):
        acts.request_adjustment(debt, 0, by=clerk, at=NOON, reason="x")


def test_an_adjusted_plan_spreads_the_new_sum(supply, clerk, approver):
    plan = Terms(method="instalments", instalments=4, first_due=date(2026, 11, 1))
    debt = owe(supply, terms=plan)
    request = acts.request_adjustment(debt, 20_00, by=clerk, at=NOON, reason="x")
    approvals.approve(request, approver, NOON)
    (found,) = queries.collectable(supply, at=NOON)
    assert METHODS["instalments"](found, 0) == 30_00


def test_new_terms_begin_with_what_is_owed_now(supply, clerk):
    debt = owe(supply)
    collected(debt, 40_00, NOON)
    plan = Terms(method="instalments", instalments=6, first_due=date(2026, 11, 21), priority=2)
    services.change_terms(debt, plan, by=clerk, at=NOON, reason="agreed")
    (found,) = queries.collectable(supply, at=NOON)
    assert METHODS["instalments"](found, 0) == 10_00
    assert terms_of(Debt.objects.get()) == plan
    told = AuditEntry.objects.get(action="debts.change_terms")
    assert told.before is not None
    assert told.after is not None
    assert (told.before["method"], told.after["method"]) == ("percent", "instalments")
    assert ledger_balance(debt) == 60_00


def test_the_energy_floor_is_dated(clerk):
    assert queries.energy_floor(at=NOON) == Decimal("0.5")
    services.set_energy_floor(percent=Decimal(30), by=clerk, at=NOON + timedelta(hours=1))
    assert queries.energy_floor(at=NOON) == Decimal("0.5")
    assert queries.energy_floor(at=NOON + timedelta(hours=2)) == Decimal("0.3")
    with pytest.raises(InvalidDebt):
        services.set_energy_floor(percent=Decimal(101), by=clerk, at=NOON)


def test_the_life_of_a_debt_is_in_its_statement(supply, clerk, approver):
    debt = owe(supply)
    collected(debt, 10_00, NOON + timedelta(minutes=1))
    request = acts.request_write_off(debt, 5_00, by=clerk, at=NOON, reason="x")
    approvals.approve(request, approver, NOON + timedelta(minutes=2))
    lines = list(queries.statement(debt).lines)
    assert [line.amount_minor for line in lines] == [100_00, -10_00, -5_00]
    assert [line.balance_minor for line in lines] == [100_00, 90_00, 85_00]


def test_movements_explain_what_is_owed(supply, clerk, approver):
    debt = owe(supply, at=NOON - timedelta(days=2))
    owe(supply, 50_00)
    collected(debt, 10_00, NOON)
    request = acts.request_adjustment(debt, 3_00, by=clerk, at=NOON, reason="x")
    approvals.approve(request, approver, NOON)
    (told,) = queries.movements(since=NOON - timedelta(days=1), until=None)
    assert (told.before_minor, told.opened_minor, told.collected_minor) == (100_00, 50_00, -10_00)
    assert (told.adjusted_minor, told.written_off_minor) == (3_00, 0)
    assert told.after_minor == sum(one.balance_minor for one in Debt.objects.all())


def test_a_balance_changed_behind_the_ledgers_back_is_named(supply):
    debt = owe(supply)
    Debt.objects.filter(pk=debt.pk).update(balance_minor=1)
    (found,) = proofs.differences_of(proofs.prove(at=NOON))
    assert (found.what, found.ledger_minor, found.elsewhere_minor) == (
        f"debt {debt.pk}", 100_00, 1,
    )  # fmt: skip


def test_a_debt_that_the_ledger_knows_nothing_of_is_named(supply):
    debt = owe(supply)
    debt.pk, debt.external_reference = None, None
    debt.save(force_insert=True)
    (found,) = proofs.differences_of(proofs.prove(at=NOON))
    assert (found.what, found.ledger_minor, found.elsewhere_minor) == (
        f"debt {debt.pk}", 0, 100_00,
    )  # fmt: skip


def test_money_on_the_account_of_no_debt_is_named(supply):
    post(
        at=NOON,
        description="invented",
        reference="test:1",
        postings=[Posting("debts.999", 7, "ZAR"), Posting("opening.debts", -7, "ZAR")],
    )
    (found,) = proofs.differences_of(proofs.prove(at=NOON))
    assert found.what == "account debts.999"


def test_what_a_payment_at_the_bank_paid_off_is_in_the_movements(supply, clerk, approver):
    debt = owe(supply)
    payment = suspense.enter(
        reference="EFT 1",
        amount_minor=40_00,
        paid_on=date(2026, 11, 20),
        by=console_user(),
        at=NOON,
    )
    asked = suspense.request_clearing(
        payment,
        to="debt",
        names=opaque.encode("debts.debt", debt.pk),
        by=console_user(),
        at=NOON,
        reason="x",
    )
    approvals.approve(asked, approver, NOON)
    (told,) = queries.movements(since=None, until=None)
    assert (told.opened_minor, told.collected_minor, told.after_minor) == (100_00, -40_00, 60_00)
