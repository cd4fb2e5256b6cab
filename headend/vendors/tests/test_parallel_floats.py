"""Tills are opened at once: the safe gives no more than it holds."""

from __future__ import annotations

import json

from headend.testing_processes import run

TILLS, FLOAT_MINOR, COVERED = 8, 10_00, 3
HELD_MINOR = COVERED * FLOAT_MINOR + FLOAT_MINOR // 2

OPEN = f"""
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from tools.headend.django_setup import set_up_django
set_up_django()
from django.db import connection
from headend.accounts.services import console_user, create_user
from headend.config.errors import Refusal
from headend.ledger.proofs import differences_of, prove
from headend.ledger.queries import balance_minor
from headend.testing import NOON
from headend.vendors import services, shifts
by, begin = console_user(), Barrier({TILLS})
shifts.fill_safe(amount_minor={HELD_MINOR}, by=by, at=NOON, reason="x")
tills = [(services.add_till(None, name=f"Till {{n}}", by=by, at=NOON),
          create_user(username=f"c{{n}}", password=None, groups=("cashier",)))
         for n in range({TILLS})]

def opened(one):
    try:
        begin.wait()
        shifts.open_shift(till=one[0], float_minor={FLOAT_MINOR}, by=one[1], at=NOON)
        return "opened"
    except Refusal as error:
        return error.code
    finally:
        connection.close()

with ThreadPoolExecutor({TILLS}) as pool:
    outcomes = list(pool.map(opened, tills))
print(json.dumps([sorted(outcomes), balance_minor("cash.safe", "ZAR"),
                  len(differences_of(prove(at=NOON)))]))
"""


def test_tills_opened_at_once_take_no_more_than_the_safe_holds(environment):
    outcomes, left_minor, differences = json.loads(run(environment, "-c", OPEN))
    assert outcomes == ["opened"] * COVERED + ["safe_too_low"] * (TILLS - COVERED)
    assert (left_minor, differences) == (FLOAT_MINOR // 2, 0)
