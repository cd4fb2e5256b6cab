"""A sheet of opening balances: what each row becomes, on trial and in earnest."""

import pytest

from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted
from headend.debts.errors import InvalidDebt
from headend.debts.imports import OPENED, REFUSED, THERE, import_debts
from headend.debts.models import Debt
from headend.ledger.models import Entry
from headend.testing import NOON, make_supply

pytestmark = pytest.mark.django_db

HEADING = "reference,meter,attach_to,title,amount,method,rate,first_due,priority,cap_per_month"


@pytest.fixture
def drn():
    return make_supply().meter.drn


def run(*rows, heading=HEADING, dry_run=False):
    text = "\n".join([heading, *rows]) + "\n"
    return import_debts(text, by=console_user(), at=NOON, dry_run=dry_run)


def test_each_method_is_read(drn):
    report = run(
        f"A1,{drn},,Arrears,150.00,percent,30,,,20.00",
        f"A2,{drn},premises,Cut cable,80,per_purchase,5,,2,",
        f"A3,{drn},,Fine,40.50,per_month,10.00,,3,",
        f"A4,{drn},,Connection,1200,instalments,12,2026-12-01,4,",
    )
    assert [row.outcome for row in report.rows] == [OPENED] * 4
    assert report.opened_minor == 147050
    debts = list(Debt.objects.order_by("external_reference"))
    assert [debt.method for debt in debts] == [
        "percent",
        "per_purchase",
        "per_month",
        "instalments",
    ]
    assert [debt.priority for debt in debts] == [1, 2, 3, 4]
    assert [debt.premises is not None for debt in debts] == [False, True, False, False]
    assert (debts[0].cap_per_month_minor, debts[1].amount_minor) == (2000, 500)
    assert (debts[3].instalments, f"{debts[3].first_due}") == (12, "2026-12-01")


def test_a_dry_run_says_the_same_and_keeps_nothing(drn):
    rows = (
        f"A1,{drn},,Arrears,150.00,percent,30,,,",
        f"A1,{drn},,Arrears,150.00,percent,30,,,",
        f"A2,{drn},,Arrears,x,percent,30,,,",
    )
    trial = run(*rows, dry_run=True)
    assert not Debt.objects.exists()
    assert not Entry.objects.exists()
    assert trial.rows == run(*rows).rows
    assert [row.outcome for row in trial.rows] == [OPENED, THERE, REFUSED]


def test_importing_again_opens_nothing_twice(drn):
    row = f"A1,{drn},,Arrears,150.00,percent,30,,,"
    run(row)
    assert [one.outcome for one in run(row).rows] == [THERE]
    (other,) = run(f"A1,{drn},,Arrears,150.01,percent,30,,,").rows
    assert (other.outcome, "another amount" in other.explanation) == (REFUSED, True)
    assert Debt.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",{drn},,Arrears,150.00,percent,30,,,", "no reference"),
        ("A1,04999999999,,Arrears,150.00,percent,30,,,", "04999999999"),
        ("A1,,,Arrears,150.00,percent,30,,,", "whose debt"),
        ("A1,,premises,Arrears,150.00,percent,30,,,", "by its meter"),
        ("A1,{drn},house,Arrears,150.00,percent,30,,,", "'house'"),
        ("A1,{drn},,,150.00,percent,30,,,", "title"),
        ("A1,{drn},,Arrears,0,percent,30,,,", "more than nothing"),
        ("A1,{drn},,Arrears,1.234,percent,30,,,", "no amount"),
        ("A1,{drn},,Arrears,١٢,percent,30,,,", "no amount"),
        ("A1,{drn},,Arrears,-5,percent,30,,,", "no amount"),
        ("A1,{drn},,Arrears,150,percent,101,,,", "at most 100"),
        ("A1,{drn},,Arrears,150,percent,NaN,,,", "no percentage"),
        ("A1,{drn},,Arrears,150,percent,0.00001,,,", "no percentage"),
        ("A1,{drn},,Arrears,150,someday,30,,,", "someday"),
        ("A1,{drn},,Arrears,150,instalments,12,1.12.2026,,", "no day"),
        ("A1,{drn},,Arrears,150,instalments,1.5,2026-12-01,,", "no whole number"),
        ("A1,{drn},,Arrears,150,percent,30,,0,", "priority"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_by_itself(drn, row, why):
    report = run(row.format(drn=drn), f"B1,{drn},,Arrears,10,percent,30,,,")
    assert [one.outcome for one in report.rows] == [REFUSED, OPENED]
    assert report.rows[0].row == 2
    assert why in report.rows[0].explanation


def test_a_customer_is_found_by_number():
    customer = make_supply().customer
    heading = "reference;customer;title;amount;method;rate"
    report = run(
        f"A1;{customer.pk};Arrears;5;percent;30", "A2;99999;Arrears;5;percent;30", heading=heading
    )
    assert [one.outcome for one in report.rows] == [OPENED, REFUSED]
    assert Debt.objects.get().customer == customer


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        ("reference,title", "lacks the column amount"),
        (HEADING + ",colour", "'colour'"),
        ("", "lacks the column reference"),
    ],
)
def test_another_sheet_is_refused_as_a_whole(heading, why):
    with pytest.raises(InvalidDebt, match=why):
        run("x", heading=heading)


def test_blank_rows_count_for_nothing(drn):
    report = run(",,,,,,,,,", f"A1,{drn},,Arrears,150.00,percent,30,,,", "")
    assert [(one.row, one.outcome) for one in report.rows] == [(3, OPENED)]


def test_who_may_not_open_debts_imports_none(db):
    with pytest.raises(NotPermitted):
        import_debts(
            HEADING,
            by=create_user(username="c", password=None, groups=("cashier",)),
            at=NOON,
            dry_run=True,
        )
