"""Many sales at once draw a key's ceiling down to nothing, and never below."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from headend.accounts.services import console_user
from headend.securitymodule import allowance, services
from headend.securitymodule.errors import CreditCeilingReached
from headend.testing import NOON

CEILING_UNITS, SELLERS, DRAWS_EACH, UNITS = 100, 8, 7, 3


@pytest.mark.django_db(transaction=True)
def test_parallel_sales_never_pass_the_ceiling():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer")
    key = services.load_vending_key(
        clear_key=bytes(range(20)), sgc="123456", kt=2, krn=1, base_date=2014,
        credit_ceiling_kwh=CEILING_UNITS // 10, by=console_user(), at=NOON,
    )  # fmt: skip

    def sell() -> int:
        drawn = 0
        for _ in range(DRAWS_EACH):
            try:
                with transaction.atomic():
                    allowance.draw(key, UNITS)
                    drawn += UNITS
            except CreditCeilingReached:
                pass
        connection.close()
        return drawn

    with ThreadPoolExecutor(SELLERS) as pool:
        drawn = sum(future.result() for future in [pool.submit(sell) for _ in range(SELLERS)])
    # More was wanted than there is; what could be had in threes was.
    assert SELLERS * DRAWS_EACH * UNITS > CEILING_UNITS
    assert drawn == CEILING_UNITS // UNITS * UNITS
    assert allowance.units_left(key) == CEILING_UNITS - drawn
