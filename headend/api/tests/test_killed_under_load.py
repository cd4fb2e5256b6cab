"""Web workers and PostgreSQL are killed in mid-vend, under load: no sale is lost or made twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from headend.api.tests.load import HeadEnd, Load
from tools.testing.parts import missing
from tools.testing.postgresql import Cluster, PostgresqlMissing, programs

pytestmark = pytest.mark.any_database

METERS, PROGRAMS = 24, 8
SALES_BETWEEN = 40  # answered vends from one fault to the next
PARALLEL = 20  # calls of one message id

WHAT_IS_THERE = """
import json
from datetime import UTC, datetime
from tools.headend.django_setup import set_up_django
set_up_django()
from django.db.models import Count
from headend.ledger import proofs
from headend.ledger.queries import trial_balance
from headend.vending.models import IssuedToken, Sale
tids = {}
for drn, tid in IssuedToken.objects.order_by("pk").values_list("meter__drn", "tid"):
    tids.setdefault(drn, []).append(tid)
print(json.dumps({
    "sales": dict(Sale.objects.values_list("message_id", "receipt_number")),
    "count": Sale.objects.count(),
    "tokens": dict(IssuedToken.objects.values_list("sale__receipt_number", "digits")),
    "orphans": IssuedToken.objects.filter(sale=None).count(),
    "without_one_token": Sale.objects.annotate(n=Count("tokens")).exclude(n=1).count(),
    "tids": tids,
    "ledger": sum(balance.amount_minor for balance in trial_balance()),
    "differences": proofs.prove(at=datetime.now(UTC)).differences,
}))
"""


@pytest.fixture(scope="module")
def head_end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeadEnd]:
    """A head-end on a PostgreSQL that writes as durably as in production."""
    try:
        programs()
    except PostgresqlMissing as error:
        missing(str(error))
    data: Path = tmp_path_factory.mktemp("killed")
    with Cluster(durable=True) as cluster:
        made = HeadEnd(cluster, data, meters=METERS)
        try:
            yield made
        finally:
            made.stop()


def test_parallel_calls_of_one_message_are_one_sale_of_each_caller(head_end: HeadEnd) -> None:
    head_end.start_web()
    body = {"message_id": "the same", "meter": head_end.meters[0], "tender_minor": 5000}
    with ThreadPoolExecutor(PARALLEL * 2) as callers:
        answers = list(
            callers.map(lambda key: head_end.vend(body, key=key), head_end.keys * PARALLEL)
        )
    head_end.stop()
    assert Counter(status for status, _ in answers) == {200: PARALLEL * 2}
    numbers = [json.loads(content)["receipt_number"] for _, content in answers]
    one, other = set(numbers[::2]), set(numbers[1::2])
    assert (len(one), len(other), len(one | other)) == (1, 1, 2)


@pytest.mark.slow
def test_what_was_acknowledged_is_there_once_whatever_was_killed(head_end: HeadEnd) -> None:
    before = _what_is_there(head_end)
    load = Load(head_end, programs=PROGRAMS)
    head_end.start_web()
    load.start()
    try:
        for fault in (_a_worker, _the_web_server, _postgresql, _a_worker, _postgresql):
            load.wait_for_sales(SALES_BETWEEN)
            fault(head_end)
        load.wait_for_sales(SALES_BETWEEN)
    finally:
        load.finish()
    assert load.strange == []
    assert load.unanswered > 0, "nothing was killed in the middle of a vend"
    found = _what_is_there(head_end)
    told = {message_id: sale["receipt_number"] for message_id, sale in load.sold.items()}
    assert found["sales"] == before["sales"] | told
    assert found["count"] == before["count"] + len(told)
    assert found["tokens"] == before["tokens"] | {
        sale["receipt_number"]: sale["tokens"][0]["digits"] for sale in load.sold.values()
    }
    assert (found["orphans"], found["without_one_token"]) == (0, 0)
    assert (found["ledger"], found["differences"]) == (0, [])
    for tids in found["tids"].values():
        assert tids == sorted(set(tids))
    _the_audit_record_is_whole(head_end)


def _what_is_there(head_end: HeadEnd) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(head_end.python("-c", WHAT_IS_THERE).splitlines()[-1])
    return found


def _a_worker(head_end: HeadEnd) -> None:
    head_end.kill_a_worker()


def _the_web_server(head_end: HeadEnd) -> None:
    head_end.kill_web()
    head_end.start_web()


def _postgresql(head_end: HeadEnd) -> None:
    head_end.cluster.kill()
    head_end.cluster.start()


def _the_audit_record_is_whole(head_end: HeadEnd) -> None:
    head_end.python("-m", "headend.manage", "seal_audit", "--once")
    head_end.python("-c", "from tools.prepay import main; main()", "audit", "verify")
