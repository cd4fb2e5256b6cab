"""The pages of sheets: try, look, import; export; who may."""

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.html import strip_tags
from openpyxl import Workbook, load_workbook

from headend.accounts.groups import ADMINISTRATOR, AUDITOR
from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.customers.models import Customer
from headend.customers.services import change_customer
from headend.debts.models import Debt
from headend.exchange import exportable, kinds
from headend.exchange.models import Job
from headend.exchange.runner import Runner
from headend.testing import NOON, make_supply
from headend.vending.services import vend

pytestmark = pytest.mark.django_db

SHEET = b"reference,name,phone\nC-1,Nomsa Dube,+27 82 1\nC-2,,\n"


def text(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode()))


def upload(client, kind="customers", content=SHEET, name="base.csv"):
    return client.post(f"/exchange/import/{kind}/", {"file": SimpleUploadedFile(name, content)})


def work():
    runner = Runner(lambda: NOON)
    claimed = runner.claim()
    assert claimed is not None
    runner.run(claimed)


def test_refused_rows_are_a_sheet_that_is_mended_and_handed_in_again(log_in):
    client = log_in(ADMINISTRATOR)
    tried = upload(client).url
    work()
    imported = client.post(f"{tried}import/").url
    assert client.get(f"{imported}refused.csv").status_code == 404  # not done yet
    work()
    assert f"{imported}refused.csv" in client.get(imported).content.decode()
    rows = b"".join(client.get(f"{imported}refused.csv")).decode()
    assert list(csv.reader(io.StringIO(rows.lstrip("\ufeff")))) == [
        ["reference", "name", "phone", "why_refused"],
        ["C-2", "", "", "name is empty"],
    ]
    assert b"".join(client.get(f"{tried}refused.csv")).decode() == rows
    again = upload(client, content=rows.replace("C-2,,", "C-2,Thabo,").encode()).url
    work()
    client.post(f"{again}import/")
    work()
    assert set(Customer.objects.values_list("name", flat=True)) == {"Nomsa Dube", "Thabo"}
    assert "refused.csv" not in client.get(again).content.decode()
    assert AuditEntry.objects.filter(action="exchange.take_refused").count() == 2


def test_refused_rows_hold_personal_data_and_are_for_who_may_import(log_in):
    address = upload(log_in(ADMINISTRATOR)).url
    work()
    auditor = log_in(AUDITOR)
    assert "Refused rows" not in text(auditor.get(address))
    assert auditor.get(f"{address}refused.csv").status_code == 403


def test_a_sheet_is_tried_looked_at_and_imported(log_in):
    client = log_in(ADMINISTRATOR)
    address = upload(client).url
    assert "Waits for its turn" in text(client.get(address))
    work()
    tried = text(client.get(address))
    assert "nothing was kept" in tried
    assert "name is empty" in tried
    assert "Import 1 row" in tried
    assert "C-1" not in text(client.get(address, {"outcome": "error"}))
    assert not Customer.objects.exists()
    imported = client.post(f"{address}import/").url
    assert client.post(f"{address}import/").url == imported
    work()
    assert "1 row could not be" in text(client.get(imported))
    assert "It was imported" in text(client.get(address))
    assert Customer.objects.get().phone == "+27 82 1"
    rows = list(csv.reader(io.StringIO(b"".join(client.get(f"{address}results.csv")).decode())))
    assert [row[2] for row in rows] == ["outcome", "added", "error"]


def test_a_workbook_is_read_as_a_csv_would_be(log_in):
    book = Workbook()
    page = book.active
    for row in (["reference", "name", "phone"], ["C-1", "Nomsa", 821234], ["C-2", None, None]):
        page.append(row)
    file = io.BytesIO()
    book.save(file)
    client = log_in(ADMINISTRATOR)
    address = upload(client, content=file.getvalue(), name="base.xlsx").url
    work()
    client.post(f"{address}import/")
    work()
    assert Customer.objects.get().phone == "821234"


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({}, "Choose a file"),
        ({"text": "a,b\n1,2"}, "lacks the column"),
        ({"file": SimpleUploadedFile("a.csv", b"\xff\xfe\x00")}, "UTF-8"),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04junk")}, "XLSX"),
    ],
)
def test_what_is_no_sheet_is_refused_at_once(log_in, sent, why):
    answer = log_in(ADMINISTRATOR).post("/exchange/import/customers/", sent)
    assert answer.status_code == 422
    assert why in text(answer)
    assert not Job.objects.exists()


def test_a_run_can_be_stopped(log_in):
    client = log_in(ADMINISTRATOR)
    address = upload(client).url
    client.post(f"{address}stop/")
    assert "Stopped after 0 rows" in text(client.get(address))


def test_who_only_looks_stops_no_run(log_in):
    address = upload(log_in(ADMINISTRATOR)).url
    for group in ("auditor", "approver"):
        looker = log_in(group)
        assert "Stop</button>" not in text(looker.get(address))
        looker.post(f"{address}stop/")
    assert Job.objects.get().state == Job.State.WAITING


def test_each_kind_has_a_page_and_a_template_that_fits(log_in):
    client = log_in(ADMINISTRATOR)
    for kind in kinds.KINDS.values():
        assert kind.title in text(client.get(f"/exchange/import/{kind.name}/"))
        sheet = b"".join(client.get(f"/exchange/import/{kind.name}/template.csv"))
        heading = sheet.decode("utf-8-sig").splitlines()[0].split(",")
        kind.check_heading(heading)
        book = load_workbook(
            io.BytesIO(b"".join(client.get(f"/exchange/import/{kind.name}/template.xlsx")))
        )
        assert [cell.value for cell in book.worksheets[0][1]] == heading


def test_who_may_what(log_in):
    cashier = log_in("cashier")
    for address in ("", "import/customers/", "export/customers.csv"):
        assert cashier.get(f"/exchange/{address}").status_code == 403
    job = upload(log_in(ADMINISTRATOR)).url
    assert cashier.get(job).status_code == 404
    auditor = log_in("auditor")
    assert auditor.get(job).status_code == 200
    assert auditor.post(f"{job}import/").status_code == 302
    assert auditor.get("/exchange/import/customers/").status_code == 403
    for missing in ("import/colours/", "export/colours.csv", "export/customers.pdf", "99/"):
        assert auditor.get(f"/exchange/{missing}").status_code == 404


# --- exports -------------------------------------------------------------------------------------


def exported(client, name, **period):
    answer = client.get(f"/exchange/export/{name}.csv", period)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))


@pytest.fixture
def supply():
    made = make_supply()
    change_customer(made.customer, by=console_user(), at=NOON, phone="+27 82", name="=1+1")
    return made


def test_every_register_is_exported_and_noted(log_in, supply):
    client = log_in(ADMINISTRATOR)
    sale = vend(
        caller="test",
        message_id="1",
        meter=supply.meter,
        tender_minor=5_000,
        operator=client.user,
        at=NOON,
    )
    for name in exportable.EXPORTS:
        rows = exported(client, name)
        assert len(rows) == (0 if name in ("debts", "free-electricity") else 1), name
    assert exported(client, "sales")[0]["amount"] == "50.00"
    assert exported(client, "tokens")[0]["token"] == sale.tokens.get().digits
    assert exported(client, "sales", until="2026-11-20") == []
    assert len(exported(client, "sales", since="2026-11-21", until="2026-11-21")) == 1
    entries = AuditEntry.objects.filter(action="exchange.export", actor=client.user)
    assert entries.count() == len(exportable.EXPORTS) + 4


def test_what_a_spreadsheet_would_compute_is_marked_and_read_back(log_in, supply):
    client = log_in(ADMINISTRATOR)
    (row,) = exported(client, "customers")
    assert (row["name"], row["phone"]) == ("'=1+1", "'+27 82")
    sheet = b"".join(client.get("/exchange/export/customers.csv"))
    address = upload(client, content=sheet).url
    work()
    assert {one.outcome for one in Job.objects.get().results.all()} == {"unchanged"}, address
    book = load_workbook(io.BytesIO(b"".join(client.get("/exchange/export/customers.xlsx"))))
    assert [cell.value for cell in book.worksheets[0][2]][2] == "'=1+1"
    assert all(cell.data_type != "f" for cell in book.worksheets[0][2])


def test_an_export_of_meters_can_be_handed_in_again(log_in, supply):
    client = log_in(ADMINISTRATOR)
    sheet = b"".join(client.get("/exchange/export/meters.csv"))
    upload(client, kind="meters", content=sheet)
    work()
    assert {one.outcome for one in Job.objects.get().results.all()} == {"unchanged"}


def test_many_rows_take_no_more_queries_than_few(log_in, django_assert_max_num_queries):
    client = log_in(ADMINISTRATOR)
    for _ in range(3):
        make_supply()
    with django_assert_max_num_queries(12):
        assert len(exported(client, "agreements")) == 3
    assert not Debt.objects.exists()
