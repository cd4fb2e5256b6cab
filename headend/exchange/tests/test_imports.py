"""What each kind of sheet does with a row, on trial and in earnest."""

import io
from datetime import date

import pytest

from headend.accounts.services import console_user, create_user
from headend.config.errors import NotPermitted, Refusal
from headend.config.opaque import encode, id_of
from headend.customers.models import Customer, SupplyAgreement
from headend.customers.services import register_customer
from headend.debts.models import Debt
from headend.exchange import jobs, kinds
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell, InvalidSheet
from headend.exchange.models import Job, Piece, RowResult
from headend.exchange.runner import Runner
from headend.ledger.models import Entry
from headend.meters.models import Meter
from headend.testing import NOON, make_meter, make_supply, make_tariff, new_drn
from headend.vending.models import FreeAmount, FreeEnrolment, FreeProgramme

pytestmark = pytest.mark.django_db

DEBTS = "reference,meter,attach_to,title,amount,method,rate,first_due,priority,cap_per_month"


def hand_in(kind, *lines, dry_run=False, by=None):
    content = "\n".join(lines).encode() if isinstance(lines[0], str) else lines[0]
    return jobs.hand_in(
        kind,
        io.BytesIO(content),
        file_name="sheet.csv",
        dry_run=dry_run,
        by=by or console_user(),
        at=NOON,
    )


def work_on(job):
    runner = Runner(lambda: NOON)
    claimed = runner.claim(job)
    assert claimed is not None
    runner.run(claimed)
    return claimed


def run(kind, *lines, **more):
    """Import a sheet; return outcome and code of each row."""
    job = work_on(hand_in(kind, *lines, **more))
    assert job.state == Job.State.DONE, job.problem
    return [(one.outcome, one.code) for one in job.results.all()]


def told():
    return list(RowResult.objects.order_by("-job", "row").values_list("explanation", flat=True))


ADDED, CHANGED, UNCHANGED = ("added", ""), ("changed", ""), ("unchanged", "")
WRONG = ("error", "cell_invalid")


@pytest.fixture
def drn():
    return make_supply().meter.drn


# --- customers, meters, agreements ---------------------------------------------------------------


def test_customers_are_registered_once_and_then_changed():
    heading = "reference;name;phone;email"
    assert run("customers", heading, "C-1;Nomsa Dube;+27 82 1;", "C-2;José;;j@x.org") == [
        ADDED,
        ADDED,
    ]
    again = run("customers", heading, "C-1;Nomsa Dube;+27 82 2;", "C-2;José;;j@x.org", "C-3;;;")
    assert again == [CHANGED, UNCHANGED, WRONG]
    assert Customer.objects.get(external_reference="C-1").phone == "+27 82 2"


def test_a_column_that_the_sheet_lacks_changes_nothing():
    run("customers", "reference,name,phone", "C-1,Nomsa,082")
    assert run("customers", "reference,name", "C-1,Nomsa Dube") == [CHANGED]
    assert Customer.objects.get().phone == "082"


def test_a_customer_without_reference_is_changed_by_id():
    known = register_customer(name="Nomsa", by=console_user(), at=NOON)
    rows = run(
        "customers",
        "id,name",
        f"{id_of(known)},Nomsa Dube",
        f"{encode('customers.customer', known.pk + 1)},Who",
        f"{known.pk},Numbered",
        ",Nobody",
    )
    assert rows == [CHANGED, WRONG, WRONG, WRONG]


def test_a_sheet_says_which_ids_are_of_something_else():
    known = register_customer(name="Nomsa", by=console_user(), at=NOON)
    cells = Cells({"id": id_of(known).upper(), "customer": encode("debts.debt", 7)})
    assert cells.row("id", "customers.customer") == known.pk
    with pytest.raises(InvalidCell, match=r"customer .* another thing: debt, not customer"):
        cells.row("customer", "customers.customer")


def test_meters_are_registered_installed_and_never_given_another_key():
    one, two = new_drn(), new_drn()
    heading = "meter,sgc,krn,ti,ea,status"
    assert run("meters", heading, f"{one},123456,2,3,7,", f"{two},123456,,,11,installed") == [
        ADDED,
        ADDED,
    ]
    kept = Meter.objects.get(drn=one)
    assert (kept.krn, kept.ti, kept.base_date, kept.status) == (2, 3, 2014, "stock")
    assert Meter.objects.get(drn=two).ea == 11
    assert run("meters", heading, f"{one},123456,2,3,7,installed", f"{two},123456,1,,11,") == [
        CHANGED,
        UNCHANGED,
    ]
    assert run("meters", heading, f"{one},123456,3,3,7,", "04123456789,123456,,,7,") == [
        ("error", "row_differs"),
        ("error", "meter_number_invalid"),
    ]


def test_agreements_join_customers_and_meters():
    register_customer(name="Nomsa", external_reference="C-1", by=console_user(), at=NOON)
    meter, tariff = make_meter(), make_tariff()
    heading = "meter,customer_reference,address,tariff,since,connection_va"
    row = f"{meter.drn},C-1,12 Acacia Street,{tariff.code},2021-03-01,900"
    assert run("agreements", heading, row) == [ADDED]
    assert run("agreements", heading, row + " ") == [UNCHANGED]
    made = SupplyAgreement.objects.get()
    assert (made.started_at.isoformat(), made.connection_va) == ("2021-02-28T22:00:00+00:00", 900)
    assert run("agreements", heading, f"{meter.drn},C-1,Elsewhere,{tariff.code},,") == [
        ("error", "row_differs")
    ]
    assert run("agreements", heading, f"{make_meter().drn},C-9,A,{tariff.code},,") == [WRONG]
    assert "there is no customer with the reference 'C-9'" in told()


# --- debts ---------------------------------------------------------------------------------------


def test_each_method_of_a_debt_is_read(drn):
    rows = run(
        "debts",
        DEBTS,
        f"A1,{drn},,Arrears,150.00,percent,30,,,20.00",
        f"A2,{drn},premises,Cut cable,80,per_purchase,5,,2,",
        f"A3,{drn},,Fine,40.50,per_month,10.00,,3,",
        f"A4,{drn},,Connection,1200,instalments,12,2026-12-01,4,",
    )
    assert rows == [ADDED] * 4
    debts = list(Debt.objects.order_by("external_reference"))
    assert [debt.method for debt in debts] == [
        "percent",
        "per_purchase",
        "per_month",
        "instalments",
    ]
    assert sum(debt.balance_minor for debt in debts) == 147050
    assert [debt.priority for debt in debts] == [1, 2, 3, 4]
    assert [debt.premises is not None for debt in debts] == [False, True, False, False]
    assert (debts[0].cap_per_month_minor, debts[1].amount_minor) == (2000, 500)
    assert (debts[3].instalments, f"{debts[3].first_due}") == (12, "2026-12-01")


def test_terms_that_rise_and_block_are_read(drn):
    heading = f"{DEBTS},later_percent,later_from,blocked_from"
    row = f"A1,{drn},,Arrears,150.00,percent_owed,30,,,,50,2027-03-01,2027-06-01"
    assert run("debts", heading, row) == [ADDED]
    assert Debt.objects.get().recovery == (
        "30 % of what is owed, each purchase, 50 % from 2027-03-01 on, "
        "nothing is sold from 2027-06-01 on before it is paid"
    )
    for wrong in ("percent,30,,,,50,,", "per_month,30,,,,50,2027-03-01,", "percent,30,,,,,,x"):
        row = f"A2,{drn},,Arrears,150.00,{wrong}"
        assert [outcome for outcome, _ in run("debts", heading, row)] == ["error"]


def test_a_trial_says_the_same_and_keeps_nothing(drn):
    rows = (
        f"A1,{drn},,Arrears,150.00,percent,30,,,",
        f"A1,{drn},,Arrears,150.00,percent,30,,,",
        f"A2,{drn},,Arrears,x,percent,30,,,",
    )
    trial = run("debts", DEBTS, *rows, dry_run=True)
    assert not Debt.objects.exists()
    assert not Entry.objects.exists()
    assert trial == run("debts", DEBTS, *rows) == [ADDED, ("error", "row_repeated"), WRONG]


def test_a_debt_is_opened_once(drn):
    row = f"A1,{drn},,Arrears,150.00,percent,30,,,"
    assert run("debts", DEBTS, row) == [ADDED]
    assert run("debts", DEBTS, row) == [UNCHANGED]
    other = f"A1,{drn},,Arrears,150.01,percent,30,,,"
    assert run("debts", DEBTS, other) == [("error", "row_differs")]
    assert Debt.objects.count() == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",{drn},,Arrears,150.00,percent,30,,,", "reference is empty"),
        ("A1,04999999999,,Arrears,150.00,percent,30,,,", "04999999999"),
        ("A1,,,Arrears,150.00,percent,30,,,", "whose debt"),
        ("A1,,premises,Arrears,150.00,percent,30,,,", "by its meter"),
        ("A1,{drn},house,Arrears,150.00,percent,30,,,", "'house'"),
        ("A1,{drn},,,150.00,percent,30,,,", "title"),
        ("A1,{drn},,Arrears,0,percent,30,,,", "more than zero"),
        ("A1,{drn},,Arrears,1.234,percent,30,,,", "not an amount"),
        ("A1,{drn},,Arrears,١٢,percent,30,,,", "not an amount"),
        ("A1,{drn},,Arrears,-5,percent,30,,,", "not an amount"),
        ("A1,{drn},,Arrears,150,percent,101,,,", "at most 100"),
        ("A1,{drn},,Arrears,150,percent,NaN,,,", "not a percentage"),
        ("A1,{drn},,Arrears,150,percent,0.00001,,,", "not a percentage"),
        ("A1,{drn},,Arrears,150,someday,30,,,", "someday"),
        ("A1,{drn},,Arrears,150,instalments,12,1.12.2026,,", "not a date"),
        ("A1,{drn},,Arrears,150,instalments,1.5,2026-12-01,,", "not a whole number"),
        ("A1,{drn},,Arrears,150,percent,30,,0,", "priority"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_by_itself(drn, row, why):
    rows = run("debts", DEBTS, row.format(drn=drn), f"B1,{drn},,Arrears,10,percent,30,,,")
    assert [outcome for outcome, _ in rows] == ["error", "added"]
    assert why in told()[0]


# --- free electricity ----------------------------------------------------------------------------


def test_enrolments_begin_and_end(drn):
    programme = FreeProgramme.objects.create(code="fbe", title="Free")
    FreeAmount.objects.create(
        programme=programme,
        from_month=date(2026, 11, 1),
        energy_wh=50_000,
        registered_at=NOON,
        requested_by=console_user(),
        approved_by=console_user(),
    )
    heading = "meter,programme,from_month,until_month"
    assert run("free-electricity", heading, f"{drn},fbe,,") == [ADDED]
    assert run("free-electricity", heading, f"{drn},fbe,2026-12,") == [UNCHANGED]
    assert run("free-electricity", heading, f"{drn},fbe,,2027-01") == [CHANGED]
    assert run("free-electricity", heading, f"{drn},fbe,,2027-02") == [UNCHANGED]
    kept = FreeEnrolment.objects.get()
    assert (kept.from_month, kept.until_month) == (date(2026, 11, 1), date(2027, 1, 1))
    assert run("free-electricity", heading, f"{drn},other,,", f"{drn},fbe,May,") == [
        WRONG,
        ("error", "row_repeated"),
    ]


# --- sheets as a whole ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        ("reference,title", "lacks the column amount"),
        (DEBTS + ",colour", "'colour'"),
        (DEBTS + ",rate", "twice"),
        ("", "lacks the column reference"),
    ],
)
def test_another_sheet_is_refused_as_a_whole(heading, why):
    with pytest.raises(InvalidSheet, match=why):
        hand_in("debts", heading, "x")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"reference,name\n" + b"C-1,N\n" * 5000 + b"C-1,\xff\xfe\n", "UTF-8"),
        (b'reference,name\nC-1,"open\n', "CSV"),
        (b"reference,name\nC-1,N,more\n", "row 2 has more cells"),
        (b"reference,name\nC-1," + b"x" * 1001, "more than 1000 characters"),
    ],
)
def test_what_can_not_be_read_further_down_stops_the_run_before_its_first_row(content, why):
    job = work_on(hand_in("customers", content))
    assert (job.state, job.rows_done) == (Job.State.STOPPED, 0)
    assert why in job.problem
    assert not Customer.objects.exists()


def test_blank_rows_count_for_nothing():
    assert run("customers", "reference,name", ",", "C-1,Nomsa", "") == [ADDED]
    assert RowResult.objects.get().row == 3
    assert Job.objects.get().sheet.row_count == 1


def test_who_may_not_open_debts_imports_none():
    for groups in (("cashier",), ("auditor",)):
        with pytest.raises(NotPermitted):
            hand_in(
                "debts", DEBTS, by=create_user(username=groups[0], password=None, groups=groups)
            )
    with pytest.raises(Refusal, match="no kind"):
        hand_in("colours", "x")


def test_a_sheet_is_forgotten_once_it_is_imported_and_a_trial_can_be_imported():
    by = console_user()
    run("customers", "reference,name", "C-1,Nomsa", dry_run=True)
    trial = Job.objects.get()
    assert Piece.objects.count() == 1
    job = jobs.import_tried(trial, by=by, at=NOON)
    assert jobs.import_tried(trial, by=by, at=NOON) == job
    work_on(job)
    assert Customer.objects.count() == 1
    assert not Piece.objects.exists()


def test_of_an_imported_sheet_only_the_refused_rows_are_kept():
    run("customers", "reference,name", "C-1,Nomsa", "C-2,", "C-3,Thabo", "C-4,")
    job = Job.objects.get()
    assert list(jobs.refused_rows(job)) == [
        ["reference", "name", "why_refused"],
        ["C-2", "", "name is empty"],
        ["C-4", "", "name is empty"],
    ]
    with jobs.content_of(job.sheet) as file:
        assert b"Nomsa" not in file.read()


def test_every_kind_of_sheet_tells_what_a_clerk_needs():
    for kind in kinds.KINDS.values():
        names = [column.name for column in kind.columns]
        assert len(set(names)) == len(names)
        assert set(kind.key) <= set(names)
        assert all(column.told for column in kind.columns)
        assert kind.purpose.endswith(".")
