"""Rows done in batches end as they would have ended singly, whatever their neighbours do."""

import io
from dataclasses import replace

import pytest
from django.db import transaction

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.config import batches
from headend.config.opaque import id_of
from headend.config.writing import RowGone
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.customers.services import open_agreement, register_customer
from headend.debts.models import Debt
from headend.exchange import jobs, kinds
from headend.exchange.runner import Runner
from headend.ledger.models import Account, BankPayment, Line
from headend.meters.models import Meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.testing import NOON, make_meter, make_supply, make_tariff, new_drn, traffic
from headend.vending.models import FreeEnrolment, FreeProgramme, OpeningUse

pytestmark = pytest.mark.django_db

TAKE_OVER = (
    "meter,sgc,ea,dkga,last_tid,month_to_date_kwh,customer_reference,name,address,tariff,since,"
    "debt_reference,debt_amount,debt_method,debt_rate"
)


def run(kind, heading, rows, dry_run=False):
    """Return what became of each row."""
    make_tariff()
    runner = Runner(lambda: NOON)
    sheet = io.BytesIO("\n".join([heading, *rows]).encode())
    job = jobs.hand_in(kind, sheet, file_name="x.csv", dry_run=dry_run, by=console_user(), at=NOON)
    claimed = runner.claim(job)
    assert claimed is not None
    runner.run(claimed)
    return [(one.row, one.outcome, one.code, one.explanation) for one in job.results.all()]


def base(numbers=range(12)):
    """Return rows of a take-over; every third customer has the same name and two meters."""
    drns = {number: new_drn() for number in numbers}
    return [
        f"{drns[n]},{DEMONSTRATION_SGC},,,1000,4.5,C-{n // 2},Customer {n // 2},"
        f"{n // 3} Long Road,test,2020-01-01,D-{n},{n + 1}.00,percent,30"
        for n in numbers
    ]


def everything():
    """Return what rows have left in the database, without ids and numbers of meters."""
    return {
        "customers": list(Customer.objects.order_by("name").values_list("name", flat=True)),
        "premises": list(Premises.objects.order_by("address").values_list("address", flat=True)),
        "meters": list(
            Meter.objects.order_by("drn").values_list("status", "last_tid", "sgc", "ea")
        ),
        "agreements": list(
            SupplyAgreement.objects.order_by("meter__drn").values_list(
                "customer__name", "premises__address", "started_at"
            )
        ),
        "openings": list(
            OpeningUse.objects.order_by("agreement__meter__drn").values_list("issued_wh", "state")
        ),
        "debts": list(
            Debt.objects.order_by("external_reference").values_list(
                "external_reference", "balance_minor", "customer__name"
            )
        ),
        "ledger": sorted(Line.objects.values_list("amount_minor", flat=True)),
        "recorded": sorted(
            AuditEntry.objects.filter(source__startswith="import:")
            .exclude(action__startswith="exchange.")
            .values_list("action", flat=True)
        ),
    }


SPOILED = {
    "nothing": lambda rows: rows,
    "a cell": lambda rows: [*rows[:3], rows[3].replace(",1000,", ",x,"), *rows[4:]],
    "a meter twice": lambda rows: [*rows, rows[2]],
    "what the database finds": lambda rows: [
        *rows[:5],
        rows[5].replace(",,,1000", ",11,2,1000"),
        *rows[6:],
    ],
    "a date": lambda rows: [*rows[:7], rows[7].replace("2020-01-01", "2030-01-01"), *rows[8:]],
    "a customer of another name": lambda rows: [
        *rows[:1],
        rows[1].replace("Customer 0", "Somebody"),
        *rows[2:],
    ],
    "the last one": lambda rows: [*rows[:11], rows[11].replace("D-11", "D-10")],
    "every second": lambda rows: [
        row.replace("2020-01-01", "2030-01-01") if n % 2 else row for n, row in enumerate(rows)
    ],
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_base_is_taken_over_in_batches_as_it_is_singly(spoil, monkeypatch):
    rows = spoil(base())
    said, left = [], []
    for in_batches in (True, False):
        kind = replace(kinds.KINDS["take-over"], in_batches=in_batches)
        monkeypatch.setitem(kinds.KINDS, "take-over", kind)
        with transaction.atomic():
            said.append(run("take-over", TAKE_OVER, rows))
            left.append(everything())
            transaction.set_rollback(True)
    assert said[0] == said[1]
    assert left[0] == left[1]
    assert len(left[0]["meters"]) == sum(outcome == "added" for _, outcome, _, _ in said[0]) > 0


def test_a_trial_says_the_same_and_leaves_nothing():
    rows = SPOILED["a date"](base())
    tried = run("take-over", TAKE_OVER, rows, dry_run=True)
    left = everything()
    assert not any(left.values())
    assert run("take-over", TAKE_OVER, rows) == tried


def test_rows_that_change_what_is_there_are_done_in_batches_too():
    first = [f"C-{n},Customer {n}" for n in range(6)]
    assert {one[1] for one in run("customers", "reference,name", first)} == {"added"}
    again = [f"C-{n},{'Another' if n in (2, 3) else 'Customer'} {n}" for n in range(8)]
    outcomes = [one[1] for one in run("customers", "reference,name", again)]
    assert outcomes == [*2 * ["unchanged"], *2 * ["changed"], *2 * ["unchanged"], *2 * ["added"]]
    assert Customer.objects.get(external_reference="C-3").name == "Another 3"


def test_meters_of_the_stock_are_installed_and_new_ones_too():
    there, new = new_drn(), new_drn()
    run("meters", "meter,sgc", [f"{there},{DEMONSTRATION_SGC}"])
    rows = [f"{drn},{DEMONSTRATION_SGC},installed" for drn in (new, there)]
    assert [one[1] for one in run("meters", "meter,sgc,status", rows)] == ["added", "changed"]
    assert set(Meter.objects.values_list("status", flat=True)) == {"installed"}


def test_two_rows_that_write_one_meter_differently_give_one_agreement():
    customer, meter = make_supply().customer, make_meter()
    rows = [
        f"{number},{id_of(customer)},Here,test"
        for number in (meter.drn, f"{meter.drn[:4]} {meter.drn[4:]}")
    ]
    said = run("agreements", "meter,customer,address,tariff", rows)
    assert [one[1] for one in said] == ["added", "unchanged"]
    assert meter.agreements.count() == 1


def test_however_many_rows_change_what_is_there_the_run_ends():
    run("customers", "reference,name", [f"C-{n},Customer {n}" for n in range(150)])
    said = run("customers", "reference,name", [f"C-{n},Another {n}" for n in range(150)])
    assert {one[1] for one in said} == {"changed"}
    assert Customer.objects.filter(name__startswith="Another").count() == 150


def both_manners(monkeypatch, kind_name, heading, rows, left):
    """Return what is said of rows in batches and of rows done singly, each with what they left."""
    found = []
    for in_batches in (True, False):
        kind = replace(kinds.KINDS[kind_name], in_batches=in_batches)
        monkeypatch.setitem(kinds.KINDS, kind_name, kind)
        with transaction.atomic():
            found.append((run(kind_name, heading, rows), list(left())))
            transaction.set_rollback(True)
    return found


def test_payments_are_entered_in_batches_as_they_are_singly(monkeypatch):
    Account.objects.create(code="cash.safe", currency="JPY", kind="asset")
    rows = [f"EFT {n},{n}.50,2026-11-{n:02},Payer {n}" for n in range(1, 9)]
    rows[2] = "EFT 3,0,2026-11-03,Nothing"
    rows[4] = "EFT 5,5.50,2026-13-01,No day"
    rows += ["eft  1,1.50,2026-11-01,Again", "EFT 2,3.00,2026-11-02,Another amount"]
    rows += ["eft 4,9.00,2026-11-04,Another amount in other letters"]
    rows += ["EFT 9,9,2026-11-09,Yen,jpy", "EFT 10,9.50,2026-11-09,Half a yen,JPY"]
    rows += ["EFT 9,9.00,2026-11-09,Rand now,ZAR", "EFT 11,1.00,2026-11-09,Never had any,USD"]
    batched, singly = both_manners(
        monkeypatch,
        "bank-payments",
        "reference,amount,paid_on,payer,currency",
        rows,
        lambda: [
            *BankPayment.objects.order_by("reference").values_list(
                "reference", "state", "payer", "amount_minor", "currency"
            ),
            *Line.objects.order_by("pk").values_list("account__code", "amount_minor"),
        ],
    )
    assert batched == singly
    assert [outcome for _, outcome, _, _ in batched[0]] == [
        *2 * ["added"], "error", "added", "error", *3 * ["added"], "unchanged", *2 * ["error"],
        "added", *3 * ["error"],
    ]  # fmt: skip
    assert ("EFT 9", "waiting", "Yen", 9, "JPY") in batched[1]


def test_enrolments_are_done_in_batches_as_they_are_singly(monkeypatch):
    supplies = [make_supply() for _ in range(4)]
    second = open_agreement(  # of the same customer, at the same place
        customer=supplies[3].customer,
        premises=supplies[3].premises,
        address=supplies[3].premises.address,
        meter=make_meter(),
        tariff=supplies[3].tariff,
        by=console_user(),
        at=NOON,
    )
    FreeProgramme.objects.create(code="fbe", title="Free")
    rows = [f"{one.meter.drn},fbe,2026-11," for one in (*supplies, second)]
    rows += [f"{supplies[0].meter.drn[:4]} {supplies[0].meter.drn[4:]},fbe,,2027-01"]
    rows += [f"{make_meter().drn},fbe,,", f"{new_drn()},fbe,,"]
    rows[1] = rows[1].replace("fbe", "none")
    batched, singly = both_manners(
        monkeypatch,
        "free-electricity",
        "meter,programme,from_month,until_month",
        rows,
        lambda: FreeEnrolment.objects.order_by("customer", "premises").values_list(
            "customer", "premises", "programme__code", "from_month", "until_month"
        ),
    )
    assert batched == singly
    assert [outcome for _, outcome, _, _ in batched[0]] == [
        "added", "error", "added", "added", "unchanged", "changed", "error", "error",
    ]  # fmt: skip


def customers():
    return list(Customer.objects.order_by("pk").values_list("name", "phone", "external_reference"))


def test_customers_are_changed_in_batches_as_they_are_singly(monkeypatch):
    first = [f"C-{n},Customer {n},{n}" for n in range(6)]
    run("customers", "reference,name,phone", first)
    unnamed = register_customer(name="No reference", by=console_user(), at=NOON)
    rows = [
        "C-0,,Another 0,+1",
        f",{id_of(Customer.objects.get(name='Customer 0'))},A third,+2",  # the same customer
        "C-1,,Customer 1,1",
        f"C-2,,{'x' * 200},2",
        f"C-77,{id_of(unnamed)},Now with one,",
        f"C-3,{id_of(unnamed)},Somebody else's,",
        "C-77,,Repeated,",
        "C-8,,New,8",
        "C-4,,Another 4,4",
        ",cus_nobody,Nobody,",
    ]
    batched, singly = both_manners(
        monkeypatch, "customers", "reference,id,name,phone", rows, customers
    )
    assert batched == singly
    assert [outcome for _, outcome, _, _ in batched[0]] == [
        "changed", "changed", "unchanged", "error", "changed",
        "error", "changed", "added", "changed", "error",
    ]  # fmt: skip


def test_a_customer_who_was_changed_meanwhile_is_changed_all_the_same(monkeypatch):
    """Somebody else's change comes between the reading of a batch and its end."""
    run("customers", "reference,name,phone", [f"C-{n},Customer {n},{n}" for n in range(4)])
    write = batches.Batch.write
    meanwhile = iter(["By hand"])

    def slower(batch):
        for name in meanwhile:
            Customer.objects.filter(external_reference="C-2").update(name=name)
            with pytest.raises(RowGone):
                write(batch)
            raise RowGone
        write(batch)

    monkeypatch.setattr(batches.Batch, "write", slower)
    said = run("customers", "reference,name", [f"C-{n},Another {n}" for n in range(4)])
    assert {one[1] for one in said} == {"changed"}
    assert {one[0] for one in customers()} == {f"Another {n}" for n in range(4)}


def test_meters_in_stock_are_taken_over_in_batches_as_they_are_singly(monkeypatch):
    rows = base()
    run("meters", "meter,sgc", [",".join(row.split(",")[:2]) for row in rows[::2]])
    rows[4] = rows[4].replace(",1000,", ",999999999,")  # a token that can't have been issued
    found = both_manners(monkeypatch, "take-over", TAKE_OVER, rows, everything)
    assert found[0] == found[1]
    assert [one[1] for one in found[0][0]].count("added") == len(rows) - 1
    assert run("take-over", TAKE_OVER, rows[:4])[0][1] == "added"
    again = both_manners(monkeypatch, "take-over", TAKE_OVER, rows[:4], everything)
    assert again[0] == again[1]
    assert {one[1] for one in again[0][0]} == {"unchanged"}


def supplied(_):
    return make_supply().meter.drn


COSTLY = {
    "bank": ("bank-payments", "reference,amount,paid_on", lambda n: f"EFT {n},1.50,2026-11-20"),
    "enrolled": ("free-electricity", "meter,programme", lambda n: f"{supplied(n)},fbe"),
    "owed": (
        "debts",
        "reference,meter,title,amount,method,rate",
        lambda n: f"D-{n},{supplied(n)},Arrears,1.00,percent,30",
    ),
    "agreed": (
        "agreements",
        "meter,customer,address,tariff",
        lambda n: f"{make_meter().drn},{id_of(make_supply().customer)},{n} Long Road,test",
    ),
    "met again": (
        "agreements",
        "meter,customer,address,tariff",
        lambda n: (
            f"{(one := make_supply()).meter.drn},{id_of(one.customer)},"
            f"{one.premises.address},{one.tariff.code}"
        ),
    ),
}


@pytest.mark.parametrize(("kind_name", "heading", "row"), COSTLY.values(), ids=COSTLY)
def test_rows_cost_a_few_statements_however_many_they_are(kind_name, heading, row):
    FreeProgramme.objects.create(code="fbe", title="Free")
    run(kind_name, heading, [row(0)])  # opens the accounts
    rows = [row(n) for n in range(1, 41)]
    with traffic() as seen:
        run(kind_name, heading, rows)
    assert len(seen.statements) < 2 * len(rows)


def test_a_base_taken_over_again_costs_a_few_statements():
    rows = base(range(40))
    run("take-over", TAKE_OVER, rows)
    with traffic() as seen:
        assert {one[1] for one in run("take-over", TAKE_OVER, rows)} == {"unchanged"}
    assert len(seen.statements) < 2 * len(rows)


def test_a_base_costs_a_few_statements_a_row():
    make_tariff()
    run("take-over", TAKE_OVER, base(range(1)))  # opens the accounts
    with traffic() as seen:
        run("take-over", TAKE_OVER, base(range(100, 120)))
    assert len(seen.statements) < 20 * 5
