"""A run that is killed goes on where it stopped; nothing is done twice or left out.

Real processes on a database of their own, SQLite or PostgreSQL.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys

from headend.testing_processes import run
from tools.interpreters import REPOSITORY

ROWS = 400

PRELUDE = """
import io, json, sys
from datetime import UTC, datetime, timedelta
from tools.headend.django_setup import set_up_django
set_up_django()
from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.customers.models import Customer
from headend.exchange import jobs
from headend.exchange.models import Job, RowResult
from headend.exchange.runner import Runner
"""

HAND_IN = f"""
rows = [f"C-{{n}},Customer {{n}}" for n in range({ROWS})]
job = jobs.hand_in("customers", io.BytesIO("\\n".join(["reference,name", *rows]).encode()),
                   file_name="a.csv", dry_run=False, by=console_user(), at=datetime.now(UTC))
"""

# Tells each transaction, so that it can be killed after some and before the end. Who comes after
# a killed process waits until that can't hold the run any more: here its clock is ahead.
WORK = """
runner = Runner(lambda: datetime.now(UTC) + timedelta(minutes=int(sys.argv[1])))
job = runner.claim()
if job is not None:
    runner.run(job, lambda job: print(job.rows_done, flush=True))
"""

AFTERWARDS = """
job = Job.objects.get()
print(json.dumps({
    "state": job.state, "rows_done": job.rows_done,
    "customers": Customer.objects.filter(external_reference__startswith="C-").count(),
    "recorded": AuditEntry.objects.filter(action="customers.register",
                                          source=f"import:{job.pk}").count(),
    "added": RowResult.objects.filter(outcome="added").count(),
    "rows": list(RowResult.objects.order_by("row").values_list("row", flat=True)),
}))
"""


def test_a_killed_run_goes_on_where_it_stopped(environment):
    run(environment, "-c", PRELUDE + HAND_IN)
    for minutes in ("0", "1"):
        worker = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + WORK, minutes],
            env=environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert worker.stdout is not None
        assert worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
    halfway = json.loads(run(environment, "-c", PRELUDE + AFTERWARDS))
    assert halfway["state"] == "running"
    assert 0 < halfway["customers"] == halfway["rows_done"] == halfway["added"] < ROWS
    run(environment, "-c", PRELUDE + WORK, "9")
    after = json.loads(run(environment, "-c", PRELUDE + AFTERWARDS))
    assert after.pop("rows") == list(range(2, ROWS + 2))
    assert after == {
        "state": "done",
        "rows_done": ROWS,
        "customers": ROWS,
        "recorded": ROWS,
        "added": ROWS,
    }
