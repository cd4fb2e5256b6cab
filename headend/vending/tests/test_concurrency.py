"""Many processes vend at once: one message is one sale, and no token identifier comes twice.

Real processes on a database of their own: a SQLite file, or on PostgreSQL when the suite runs
there (`python -m tools.testing.postgresql pytest headend`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from headend.testing_processes import run_together
from tools.interpreters import REPOSITORY

PROCESSES = 4
VENDS_PER_PROCESS = 6


def together(environment, script):
    """Run a script in several processes at one moment; return their answers."""
    return run_together(environment, PRELUDE + script, count=PROCESSES)


PRELUDE = """
import json, sys
from datetime import UTC, datetime
from tools.headend.django_setup import set_up_django
set_up_django()
from django.db import connection
from headend.accounts.services import console_user
from headend.config.errors import Refusal
from headend.ledger.queries import trial_balance
from headend.meters.models import Meter
from headend.vending import services
from headend.vending.models import IssuedToken, Sale
number = int(sys.argv[1])
meters = list(Meter.objects.order_by("drn"))
operator = console_user()
AT = datetime(2040, 1, 1, tzinfo=UTC)  # one instant: 00:00, so 00:01 would come next

def vend(message_id, meter, tender_minor=5000):
    return services.vend(caller="test", message_id=message_id, meter=meter, operator=operator,
                         tender_minor=tender_minor, at=AT)
print("ready", flush=True)
sys.stdin.readline()
"""

SUMMARY = """
print(json.dumps({
    "sales": Sale.objects.count(),
    "tids": list(IssuedToken.objects.order_by("id").values_list("meter__drn", "tid")),
    "cash": sum(b.amount_minor for b in trial_balance() if b.code == "cash.tills"),
    "all": sum(b.amount_minor for b in trial_balance()),
}))
"""


@pytest.fixture
def summary(environment):
    """What is in the processes' database afterwards."""

    def read():
        return json.loads(alone(environment, SUMMARY))

    return read


def test_one_message_in_many_processes_is_one_sale(environment, summary):
    answers = together(
        environment,
        f"""
print(json.dumps([vend(f"m{{i}}", meters[0]).receipt_number for i in range({VENDS_PER_PROCESS})]))
""",
    )
    assert all(answer == answers[0] for answer in answers)
    assert len(set(answers[0])) == VENDS_PER_PROCESS
    after = summary()
    assert after["sales"] == VENDS_PER_PROCESS
    assert after["cash"] == 5000 * VENDS_PER_PROCESS
    assert after["all"] == 0


def test_one_message_for_two_meters_is_one_sale_and_conflicts(environment, summary):
    """The processes lock different meters, so only the message's own uniqueness can help."""
    answers = together(
        environment,
        f"""
outcomes = []
for i in range({VENDS_PER_PROCESS}):
    try:
        outcomes.append(vend(f"m{{i}}", meters[number % 2]).meter_id == meters[number % 2].pk)
    except Refusal as error:
        outcomes.append(error.code)
print(json.dumps(outcomes))
""",
    )
    for outcomes in zip(*answers, strict=True):
        assert Counter(outcomes) == {True: PROCESSES / 2, "message_conflict": PROCESSES / 2}
    assert summary()["sales"] == VENDS_PER_PROCESS


def test_token_identifiers_of_a_meter_never_repeat(environment, summary):
    together(
        environment,
        f"""
for i in range({VENDS_PER_PROCESS}):
    vend(f"{{number}}-{{i}}", meters[i % 2])
print("null")
""",
    )
    after = summary()
    assert after["sales"] == PROCESSES * VENDS_PER_PROCESS
    assert after["all"] == 0
    by_meter: dict[str, list[int]] = {}
    for drn, tid in after["tids"]:
        by_meter.setdefault(drn, []).append(tid)
    for tids in by_meter.values():
        first = tids[0]
        assert sorted(tids) == [first, *range(first + 2, first + 1 + len(tids))]  # 00:01 left out


OWE = """
from headend.accounts.services import console_user
from headend.customers.models import SupplyAgreement
from headend.debts.services import open_debt
from headend.debts.terms import Terms

first, second = SupplyAgreement.objects.order_by("pk")
SupplyAgreement.objects.update(customer=first.customer)
open_debt(owner=first.customer, title="Arrears", amount_minor=100_00, by=console_user(), at=AT,
          terms=Terms(method="per_purchase", amount_minor=30_00))
open_debt(owner=second.premises, title="Cable", amount_minor=1_00, by=console_user(), at=AT,
          terms=Terms(method="per_purchase", amount_minor=30_00))
"""

COLLECTED = """
from headend.debts.models import Debt
from headend.ledger import proofs
from headend.vending.models import SaleLine

print(json.dumps({
    "owed": [debt.balance_minor for debt in Debt.objects.order_by("pk")],
    "paid": sum(line.amount_minor for line in SaleLine.objects.filter(kind="debt")),
    "differences": proofs.prove(at=AT).differences,
}))
"""


def alone(environ, script):
    """Run a script as one of the processes, on its own."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + script, "0"],
        env=environ,
        cwd=REPOSITORY,
        input="go\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.split("\n", 1)[1]


def test_a_debt_of_one_customer_with_two_meters_is_paid_once(environment):
    """The processes lock different meters, so only the debts' own locks can help."""
    alone(environment, OWE)
    together(
        environment,
        f"""
for i in range({VENDS_PER_PROCESS}):
    vend(f"{{number}}-{{i}}", meters[(number + i) % 2])
print("null")
""",
    )
    after = json.loads(alone(environment, COLLECTED))
    assert after == {"owed": [0, 0], "paid": 101_00, "differences": []}


ENROL = """
from datetime import date
from headend.customers.models import SupplyAgreement
from headend.vending.models import FreeAmount, FreeEnrolment, FreeProgramme

first, second = SupplyAgreement.objects.order_by("meter__drn")[:2]
SupplyAgreement.objects.update(customer=first.customer)
programme = FreeProgramme.objects.create(code="fbe", title="Free")
FreeAmount.objects.create(programme=programme, from_month=date(2040, 1, 1), energy_wh=50_000,
    registered_at=AT, requested_by=operator, approved_by=operator)
for one in (first, second):
    FreeEnrolment.objects.create(programme=programme, customer=first.customer,
        premises=one.premises, from_month=date(2040, 1, 1), enrolled_at=AT, enrolled_by=operator)
"""


def test_a_customer_with_two_meters_is_given_a_month_once(environment):
    """Half of the processes lock one meter and half the other; some sell and some only give."""
    alone(environment, ENROL)
    together(
        environment,
        """
from headend.vending import free_electricity
outcomes = []
for i in range(3):
    try:
        if number < 2:
            vend(f"{number}-{i}", meters[number % 2])
        else:
            free_electricity.grant(meter=meters[number % 2], by=operator, at=AT)
    except Refusal as error:
        assert error.code == "no_free_electricity", error
print("null")
""",
    )
    given = alone(
        environment,
        """
from headend.vending.models import FreeGrant
print(json.dumps([FreeGrant.objects.count(), Sale.objects.filter(caller="test").count(),
                  IssuedToken.objects.filter(issued_at=AT).count()]))
""",
    )
    assert json.loads(given) == [1, 6, 7]


TAKEN_BACK_ONCE = """
from headend.ledger import proofs
from headend.vending import disclosure, reversals
from headend.vending.models import Disclosure, Reversal

outcomes = []
for i in range({vends}):
    try:
        sale = services.vend(caller="test", message_id=f"m{{i}}", meter=meters[0],
                             operator=operator, tender_minor=5000, at=AT, hold_token=True)
        if number == 0:
            disclosure.disclose(sale, to=operator, how=Disclosure.How.SHOWN, at=AT)
            outcomes.append("disclosed")
        else:
            made = reversals.reverse(caller="test", message_id=f"r{{i}}-{{number // 2}}",
                                     sale=sale, by=operator, at=AT, reason="wrong meter")
            outcomes.append("reversed")
    except Refusal as error:
        outcomes.append(error.code)
print(json.dumps(outcomes))
"""


def test_a_token_is_given_out_or_its_sale_taken_back_but_never_both(environment, summary):
    """One process gives tokens out while three take the same sales back, two by one message."""
    before = summary()
    answers = together(environment, TAKEN_BACK_ONCE.format(vends=VENDS_PER_PROCESS))
    assert {one for answer in answers for one in answer} <= {
        "disclosed", "reversed", "sale_reversed", "token_disclosed", "not_latest_sale",
    }  # fmt: skip
    for outcomes in zip(*answers, strict=True):
        assert not {"disclosed", "reversed"} <= set(outcomes)
    found = json.loads(
        alone(
            environment,
            """
from headend.ledger import proofs
from headend.vending.models import Disclosure, Reversal
print(json.dumps({
    "both": Reversal.objects.filter(sale__disclosure__isnull=False).count(),
    "reversals": Reversal.objects.count(),
    "differences": proofs.prove(at=AT).differences,
}))
""",
        )
    )
    assert found["both"] == 0
    after = summary()
    assert after["sales"] == before["sales"] + VENDS_PER_PROCESS
    standing = VENDS_PER_PROCESS - found["reversals"]
    assert after["cash"] == before["cash"] + 5000 * standing
    assert found["differences"] == []
