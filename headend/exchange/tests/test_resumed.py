"""An import that dies anywhere, any number of times, ends as one that ran through at once.

The death of a process is an exception that nothing on the way may stop: between two transactions,
while a batch is being done, or while the run is counted, held or finished. What was not committed
then is gone, as it is when a process is killed (`test_killed` kills real ones).
"""

import io
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.customers.models import Customer
from headend.customers.services import register_customer
from headend.exchange import jobs, kinds, work
from headend.exchange.models import Job, RowResult
from headend.exchange.runner import HELD, Runner
from headend.exchange.tests.test_work import TAKE_OVER, base, everything
from headend.testing import NOON, make_tariff

pytestmark = pytest.mark.django_db
ROWS = 9

# What may be wrong with a row of an installed base, or it is another one's double.
FLAWS = {
    "none": lambda rows, n: rows[n],
    "cell": lambda rows, n: rows[n].replace(",1000,", ",x,"),
    "future": lambda rows, n: rows[n].replace("2020-01-01", "2030-01-01"),
    "algorithm": lambda rows, n: rows[n].replace(",,,1000", ",11,2,1000"),
    "name": lambda rows, n: rows[n].replace(",Customer ", ",Somebody "),
    "debt": lambda rows, n: rows[n].replace(f"D-{n}", "D-0"),
    "again": lambda rows, n: rows[n // 2],
}
flaws = st.lists(
    st.tuples(st.integers(0, ROWS - 1), st.sampled_from(["none", *FLAWS])), min_size=3, max_size=16
)
# Where a process dies: how many times it may do something before that.
deaths = st.lists(
    st.tuples(st.sampled_from(["act", "commit", "clock"]), st.integers(0, 9)), max_size=6
)


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def dying(monkeypatch, kind_name, death):
    """Give a clock, an ear for commits, and an act of a kind of which one dies in time."""
    left = dict([death] if death else [])

    def maybe(place, _=None):
        if place in left:
            if not left[place]:
                raise Killed
            left[place] -= 1

    kind = kinds.KINDS[kind_name]

    def act(cells, context):
        done = kind.act(cells, context)
        maybe("act")  # it was done, and is not committed
        return done

    with monkeypatch.context() as patched:
        patched.setitem(kinds.KINDS, kind_name, replace(kind, act=act))
        yield maybe


def work_on(monkeypatch, kind_name, lines, deaths):
    """Import a sheet with processes that die in turn, and one that does not; return the run."""
    job = jobs.hand_in(
        kind_name,
        io.BytesIO("\n".join(lines).encode()),
        file_name="x.csv",
        dry_run=False,
        by=console_user(),
        at=NOON,
    )
    now = NOON
    for death in (*deaths, None):
        now += HELD + timedelta(seconds=1)  # nobody holds it any more
        with dying(monkeypatch, kind_name, death) as maybe:

            def clock(now=now, maybe=maybe):
                maybe("clock")
                return now

            runner = Runner(clock)
            try:
                claimed = runner.claim(job)
                if claimed is not None:
                    runner.run(claimed, partial(maybe, "commit"))
            except Killed:
                continue
    job.refresh_from_db()
    return job


def said(job):
    rows = RowResult.objects.filter(job=job).order_by("row")
    return list(rows.values_list("row", "key", "outcome", "code", "explanation"))


def compare(monkeypatch, kind_name, lines, deaths, left):
    """Import at once and with deaths, each from the same beginning; compare all that is left."""
    outcomes = []
    for dies in ((), deaths):
        with transaction.atomic():
            job = work_on(monkeypatch, kind_name, lines, dies)
            finished = AuditEntry.objects.filter(action="exchange.finish").count()
            outcomes.append((job.state, job.rows_done, finished, said(job), left()))
            transaction.set_rollback(True)
    assert outcomes[0] == outcomes[1]
    state, rows_done, finished, results, _ = outcomes[0]
    assert (state, rows_done, finished) == (Job.State.DONE, len(lines) - 1, 1)
    assert [row for row, *_ in results] == list(range(2, len(lines) + 1))


@pytest.fixture
def small_batches(monkeypatch):
    """A few rows in each transaction, so that a short sheet has many."""
    monkeypatch.setattr(work, "_LEAST_ROWS", 2)
    monkeypatch.setattr(work, "_MOST_ROWS", 5)


few = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@few
@given(rows=flaws, deaths=deaths)
def test_a_base_that_is_taken_over_with_deaths(small_batches, monkeypatch, rows, deaths):
    make_tariff()
    good = base(range(ROWS))
    lines = [TAKE_OVER, *(FLAWS[flaw](good, number) for number, flaw in rows)]
    compare(monkeypatch, "take-over", lines, deaths, everything)


def customers():
    return list(
        Customer.objects.order_by("external_reference", "name").values_list(
            "external_reference", "name", "phone"
        )
    )


@few
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["", "Nomsa", "Sipho"]), st.booleans()),
        min_size=3,
        max_size=20,
    ),
    deaths=deaths,
)
def test_customers_that_are_changed_with_deaths(small_batches, monkeypatch, rows, deaths):
    with transaction.atomic():
        for number in range(0, 10, 3):
            register_customer(
                name="Nomsa", external_reference=f"C-{number}", by=console_user(), at=NOON
            )
        lines = ["reference,name,phone"]
        lines += [f"C-{number},{name},{'082' if phone else ''}" for number, name, phone in rows]
        compare(monkeypatch, "customers", lines, deaths, customers)
        transaction.set_rollback(True)
