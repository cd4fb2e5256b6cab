"""`python -m bench.importing.sheet KIND ROUND ROWS`: imports so many rows into the environment's
database, which it fills with keys and a tariff first, and prints how many seconds the runner took.
"""

from __future__ import annotations

import io
import json
import sys
import time
from datetime import UTC, datetime, timedelta

import django

_FIRST_SERIAL = 40_000_000
_APART = 1_000_000  # serial numbers from one round to the next
_HEADINGS = {
    "meters": "meter,sgc,status",
    "take-over": (
        "meter,sgc,last_tid,month_to_date_kwh,customer_reference,name,phone,address,tariff,since,"
        "debt_reference,debt_amount,debt_method,debt_rate"
    ),
}
_DEBT_EVERY = 4  # every so manieth customer owes something


def sheet(kind: str, *, first: int, rows: int, sgc: str, tariff: str) -> bytes:
    """Return a sheet as CSV whose meters have numbers from `first` on."""
    from shared.sts import identifiers

    lines = [_HEADINGS[kind]]
    for number in range(first, first + rows):
        drn = identifiers.make_drn("04", f"{number}")
        if kind == "meters":
            lines.append(f"{drn},{sgc},installed")
            continue
        debt = f"D-{number},100.00,per_purchase,5.00" if number % _DEBT_EVERY == 0 else ",,,"
        lines.append(
            f"{drn},{sgc},1000,45.5,C-{number},Customer {number},,{number} Long Road,{tariff},"
            f"2020-01-01,{debt}"
        )
    return "\n".join(lines).encode()


def import_rows(kind: str, number: int, rows: int) -> float:
    """Fill an empty database; import rows, if any, and return the seconds of the runner."""
    from django.core.management import call_command

    from headend.accounts.services import console_user
    from headend.exchange import jobs
    from headend.exchange.runner import Runner
    from headend.securitymodule.services import DEMONSTRATION_SGC
    from headend.tariffs.models import Tariff
    from headend.vending.demonstration import seed

    if not rows:
        call_command("migrate", verbosity=0)
        seed(at=datetime.now(UTC) - timedelta(days=1), with_vendor=False)
        return 0.0
    first = _FIRST_SERIAL + number * _APART + (_APART // 2 if kind == "meters" else 0)
    code = Tariff.objects.values_list("code", flat=True)[0]
    content = sheet(kind, first=first, rows=rows, sgc=DEMONSTRATION_SGC, tariff=code)
    job = jobs.hand_in(
        kind,
        io.BytesIO(content),
        file_name="bench.csv",
        dry_run=False,
        by=console_user(),
        at=datetime.now(UTC),
    )
    runner = Runner(lambda: datetime.now(UTC))
    claimed = runner.claim(job)
    if claimed is None:
        raise RuntimeError("somebody else works on the import")
    began = time.perf_counter()
    runner.run(claimed)
    seconds = time.perf_counter() - began
    ended = jobs.counts(claimed)
    if ended["added"] != rows:
        raise RuntimeError(f"not every row was added: {ended}")
    return seconds


if __name__ == "__main__":
    django.setup()
    took = import_rows(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps({"seconds": took}))
