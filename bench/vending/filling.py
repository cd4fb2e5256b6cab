"""`python -m bench.vending.filling COUNT`: fills the database of the environment and tells of it.

Meters with their customers and agreements are written by a few statements; people, keys, tariff
and vendors by the services. What the benchmark needs to know is printed as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import django

FIRST_ID = 1000  # of the meters that are written here, and of all that belongs to them
FIRST_SERIAL = 30_000_000
VENDORS = 16
_CREDIT_MINOR = 10**11

# What each meter comes with. `number` holds id, drn and pan.
_ROWS = (
    """INSERT INTO meters_meter (id, unit_id, drn, pan, ea, dkga, sgc, kt, krn, ti, ken, base_date,
    tct, status, intended_payment_mode, link_generation, registered_at)
    SELECT id, {uuid}, drn, pan, 7, 4, '{sgc}', 2, 1, 1, 255, 2014, 2, 'installed', 'prepayment',
    1, '{at}' FROM number""",
    """INSERT INTO customers_customer (id, name, phone, email, language, created_at)
    SELECT id, 'Customer ' || id, '', '', 'en', '{at}' FROM number""",
    """INSERT INTO customers_premises (id, address)
    SELECT id, id || ' Long Road' FROM number""",
    """INSERT INTO customers_supplyagreement (id, customer_id, premises_id, meter_id, tariff_id,
    started_at, low_credit_threshold_wh) SELECT id, id, id, id, {tariff}, '{at}', 5000
    FROM number""",
    # As of meters that were heard: else the first vend of each would write one row more.
    """INSERT INTO fleet_meterlink (meter_id, online, last_command_number, stored_boot, stored_seq,
    watermark_due, has_gap, low_credit_told, low_credit_drops)
    SELECT id, false, 0, 0, 0, false, false, false, 0 FROM number""",
)
# Whose ids are given above; what is made later is numbered after them.
_NUMBERED = (
    "meters_meter",
    "customers_customer",
    "customers_premises",
    "customers_supplyagreement",
)


def drn_of(number: int) -> str:
    """Return the number on the label of the so manieth meter."""
    from shared.sts import identifiers

    return identifiers.make_drn("04", f"{FIRST_SERIAL + number}")


def fill(count: int) -> dict[str, Any]:
    """Fill an empty database; return the API keys' texts."""
    from django.core.management import call_command
    from django.db import transaction
    from django.utils import timezone

    from headend.accounts.services import console_user
    from headend.tariffs.models import Tariff
    from headend.vending.demonstration import seed

    call_command("migrate", verbosity=0)
    now = timezone.now() - timedelta(days=1)
    seed(at=now, with_vendor=False)
    by = console_user()
    _write_meters(count, Tariff.objects.get().pk, now)
    utility = _key("utility", by, now)
    with transaction.atomic():
        vendors = [_vendor(number, by, now) for number in range(VENDORS)]
    return {"utility": utility.text, "vendors": vendors, "operator": utility.key.program_id}


def _write_meters(count: int, tariff: int, at: Any) -> None:
    from django.db import connection, transaction

    from headend.securitymodule.services import DEMONSTRATION_SGC

    is_postgresql = connection.vendor == "postgresql"
    uuid = "gen_random_uuid()" if is_postgresql else "lower(hex(randomblob(16)))"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE number (id bigint, drn varchar, pan varchar)")
        if is_postgresql:
            # What refers to what is right by construction; checking it would take minutes.
            cursor.execute("SET session_replication_role = replica")
            with cursor.copy("COPY number FROM STDIN") as copy:
                for row in _numbers(count):
                    copy.write_row(row)
        else:
            cursor.executemany("INSERT INTO number VALUES (%s, %s, %s)", list(_numbers(count)))
        for statement in _ROWS:
            cursor.execute(
                statement.format(
                    uuid=uuid, sgc=DEMONSTRATION_SGC, tariff=tariff, at=at.isoformat(sep=" ")
                )
            )
        if is_postgresql:
            cursor.execute("SET session_replication_role = DEFAULT")
            for table in _NUMBERED:
                cursor.execute(f"SELECT setval('{table}_id_seq', {FIRST_ID + count})")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _numbers(count: int) -> Iterator[tuple[int, str, str]]:
    from shared.sts import identifiers

    for number in range(count):
        drn = drn_of(number)
        yield FIRST_ID + number, drn, identifiers.make_pan(drn)


def _key(program: str, by: Any, at: Any) -> Any:
    from headend.api.keys import create_key

    return create_key(
        program=f"bench-{program}",
        name="bench",
        scopes=["vend"],
        by=by,
        at=at,
        expires_at=at + timedelta(days=30),
    )


def _vendor(number: int, by: Any, at: Any) -> str:
    """Take on a vendor with plenty of credit; return the text of its program's key."""
    from headend.accounts.services import create_user
    from headend.vendors import purchases, services
    from headend.vendors.models import Contract

    vendor = services.register_vendor(name=f"Vendor {number}", by=by, at=at)
    terms = services.Terms(kind=Contract.Kind.COMMISSION, percent=Decimal(3))
    services.agree_contract(vendor, terms, by=by, at=at)
    vendor.refresh_from_db()
    purchases.buy_credit(
        vendor,
        paid_minor=_CREDIT_MINOR,
        credit_minor=_CREDIT_MINOR,
        payment_reference=f"bench {number}",
        requested_by=by,
        approved_by=create_user(
            username=f"approver-{number}", password=None, groups=("approver",)
        ),
        at=at,
    )
    till = services.add_till(vendor, name="Program", needs_shift=False, by=by, at=at)
    made = _key(f"vendor-{number}", by, at)
    services.add_operator(vendor, made.key.program, by=by, at=at, till=till)
    return str(made.text)


if __name__ == "__main__":
    django.setup()
    print(json.dumps(fill(int(sys.argv[1]))))
