"""Programs hand in rows, follow what becomes of them, and have registers row by row."""

import pytest

from headend.customers.models import Customer
from headend.exchange.runner import Runner
from headend.testing import NOON

pytestmark = pytest.mark.django_db

ROWS = {
    "message_id": "m1",
    "kind": "customers",
    "dry_run": False,
    "columns": ["reference", "name"],
    "rows": [["C-1", "Nomsa, the first"], ["C-2", ""]],
}


def work():
    runner = Runner(lambda: NOON)
    claimed = runner.claim()
    assert claimed is not None
    runner.run(claimed)


def test_rows_are_handed_in_once_and_followed(program):
    bank = program()
    begun = bank.post("/imports", ROWS).json()
    assert (begun["state"], begun["rows_done"]) == ("waiting", 0)
    assert bank.post("/imports", ROWS).json() == begun
    work()
    done = bank.get(f"/imports/{begun['id']}").json()
    assert (done["state"], done["added"], done["errors"]) == ("done", 1, 1)
    assert Customer.objects.get().name == "Nomsa, the first"
    (wrong,) = bank.get(f"/imports/{begun['id']}/results", outcome="error").json()["items"]
    assert (wrong["row"], wrong["code"]) == (3, "cell_invalid")
    assert [one["id"] for one in bank.get("/imports").json()["items"]] == [begun["id"]]


def test_what_was_tried_is_imported(program):
    bank = program()
    tried = bank.post("/imports", ROWS | {"dry_run": True}).json()["id"]
    work()
    assert not Customer.objects.exists()
    begun = bank.post(f"/imports/{tried}/import", {"message_id": "m2"}).json()
    assert begun["dry_run"] is False
    work()
    assert Customer.objects.count() == 1


def test_a_key_needs_the_scope_of_what_is_written_or_read_and_sees_its_own(program, code):
    bank, other = program("imports", "exports"), program(name="other")
    assert code(bank.post("/imports", ROWS)) == "scope_missing"
    assert code(bank.get("/exports/tokens")) == "scope_missing"
    theirs = other.post("/imports", ROWS).json()["id"]
    assert code(bank.get(f"/imports/{theirs}")) == "import_not_found"
    assert code(other.post("/imports", ROWS | {"message_id": "2", "columns": ["a"]})) == (
        "sheet_invalid"
    )


def test_a_register_is_read_page_by_page(program, supply):
    bank = program()
    first = bank.get("/exports/agreements", limit=1).json()
    assert first["items"][0]["meter"] == supply.meter.drn
    assert first["next"] is None
    assert bank.get("/exports/customers", since="2026-11-22").json()["items"] == []


def test_more_than_a_request_may_carry_is_a_problem_too(program, code):
    rows = [["C-1", "x" * 1000]] * 3000
    assert code(program().post("/imports", ROWS | {"rows": rows})) == "request_too_large"
