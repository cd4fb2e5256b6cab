"""Fifty tills sell on one wallet at once, from real processes: it is never overdrawn."""

from __future__ import annotations

import json

from headend.testing_processes import run, run_together

PROCESSES, TILLS_PER_PROCESS, TRIES = 5, 10, 3
TILLS = PROCESSES * TILLS_PER_PROCESS
TENDER_MINOR = 50_00
COVERED = 60  # sales; the wallet holds a little more than that

SET_UP = f"""
from tools.headend.django_setup import set_up_django
set_up_django()
from headend.testing import NOON, make_supply
from headend.vendors import services
from headend.vendors.tests.conftest import Shop
shop = Shop()
shop.buy({COVERED * TENDER_MINOR + TENDER_MINOR // 2})
for number in range({TILLS}):
    make_supply()
    till = services.add_till(shop.vendor, name=f"Till {{number}}", by=shop.by, at=NOON)
    shop.open_shift(shop.person(f"till{{number}}", "vendor cashier"), till)
"""

SELL = f"""
import json, sys
from datetime import UTC, datetime
from concurrent.futures import ThreadPoolExecutor
from tools.headend.django_setup import set_up_django
set_up_django()
from django.db import connection
from headend.accounts.models import User
from headend.config.errors import Refusal
from headend.meters.models import Meter
from headend.vending import services
LATER = datetime(2030, 1, 1, tzinfo=UTC)  # than keys, tariff and agreements begin
process = int(sys.argv[1])
meters = list(Meter.objects.filter(agreements__customer__name="Nomsa Dube").order_by("pk"))

def till(number):
    operator, outcomes = User.objects.get(username=f"till{{number}}"), []
    try:
        for each in range({TRIES}):
            try:
                services.vend(caller=operator.username, message_id=str(each), operator=operator,
                              meter=meters[number], tender_minor={TENDER_MINOR}, at=LATER)
                outcomes.append("sold")
            except Refusal as error:
                outcomes.append(error.code)
    finally:
        connection.close()
    return outcomes

connection.close()
print("ready", flush=True)
sys.stdin.readline()
mine = range(process * {TILLS_PER_PROCESS}, (process + 1) * {TILLS_PER_PROCESS})
with ThreadPoolExecutor({TILLS_PER_PROCESS}) as pool:
    print(json.dumps([one for outcomes in pool.map(till, mine) for one in outcomes]))
"""

AFTERWARDS = """
import json
from tools.headend.django_setup import set_up_django
set_up_django()
from django.db.models import Sum
from headend.ledger.proofs import differences_of, prove
from headend.ledger.queries import trial_balance
from headend.testing import NOON
from headend.vending.models import Sale
from headend.vendors import wallet
from headend.vendors.models import Shift, Vendor
vendor = Vendor.objects.get(name="Corner Shop")
print(json.dumps({
    "sales": Sale.objects.filter(vendor=vendor).count(),
    "wallet": wallet.balance_minor(vendor),
    "available": wallet.available_minor(vendor),
    "in shifts": Shift.objects.filter(vendor=vendor).aggregate(sold=Sum("sold_minor"))["sold"],
    "ledger": sum(one.amount_minor for one in trial_balance()),
    "differences": [str(one) for one in differences_of(prove(at=NOON))],
}))
"""


def test_fifty_tills_never_overdraw_one_wallet(environment):
    run(environment, "-c", SET_UP)
    answers = run_together(environment, SELL, count=PROCESSES)
    outcomes = [outcome for answer in answers for outcome in answer]
    assert len(outcomes) == TILLS * TRIES
    assert outcomes.count("sold") == COVERED
    assert outcomes.count("wallet_too_low") == TILLS * TRIES - COVERED
    after = json.loads(run(environment, "-c", AFTERWARDS))
    assert after == {
        "sales": COVERED,
        "wallet": TENDER_MINOR // 2,
        "available": TENDER_MINOR // 2,
        "in shifts": COVERED * TENDER_MINOR,
        "ledger": 0,
        "differences": [],
    }
