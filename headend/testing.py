"""Ready-made things for tests: a supply with keys, tariff, customer and an installed meter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from unittest import mock

from django.db import connection
from django.test.utils import CaptureQueriesContext

from headend.accounts import approvals
from headend.accounts.models import User
from headend.accounts.services import console_user, create_user
from headend.config import prepared
from headend.currencies import services as currencies
from headend.currencies.models import Rate
from headend.customers.models import SupplyAgreement
from headend.customers.services import open_agreement, register_customer
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, install_meter, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.tariffs.models import Tariff
from headend.tariffs.rules import flat
from headend.tariffs.services import publish_version
from shared.sts import identifiers

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PRICE_MINOR_PER_KWH = Decimal("250")
TAX_PERCENT = Decimal(15)

_serials = count(20_000_000)


def new_drn() -> str:
    """Return a valid meter number that no other call in this process returned."""
    return identifiers.make_drn("04", f"{next(_serials)}")


def make_meter(*, by: User | None = None, key: KeyAttributes | None = None) -> Meter:
    """Return a registered and installed meter of the demonstration supply group."""
    by = by or console_user()
    key = key or KeyAttributes(sgc=DEMONSTRATION_SGC)
    meter = register_meter(drn=new_drn(), key=key, by=by, at=NOON)
    install_meter(meter, by=by, at=NOON)
    return meter


def make_tariff(*, by: User | None = None) -> Tariff:
    """Return the flat tariff "test": 2.50 per kWh and 15 % tax, in force since NOON."""
    existing = Tariff.objects.filter(code="test").first()
    return (
        existing
        or publish_version(
            code="test",
            name="Test tariff",
            valid_from=NOON,
            rules=flat(price_minor_per_kwh=PRICE_MINOR_PER_KWH, tax_percent=TAX_PERCENT),
            by=by or console_user(),
            at=NOON,
        ).tariff
    )


def make_supply(*, key: KeyAttributes | None = None) -> SupplyAgreement:
    """Return an agreement whose meter can be vended for from NOON on."""
    by = console_user()
    load_demonstration_keys(by=by, at=NOON)
    meter = make_meter(by=by, key=key)
    return open_agreement(
        customer=register_customer(name="Nomsa Dube", by=by, at=NOON),
        address="1 Test Road",
        meter=meter,
        tariff=make_tariff(by=by),
        by=by,
        at=NOON,
    )


def make_rate(
    base_units: str = "18.2537",
    *,
    code: str = "USD",
    units: str = "1",
    valid_from: datetime | None = None,
    rate_holds_hours: int | None = None,
    at: datetime = NOON,
) -> Rate:
    """Return an approved rate of another currency that is accepted."""
    by = console_user()
    approver = User.objects.filter(username="rates").first() or create_user(
        username="rates", password=None, groups=("approver",)
    )
    currency = currencies.accept(code, rate_holds_hours=rate_holds_hours, by=by, at=at)
    asked = currencies.propose_rate(
        currency,
        units=Decimal(units),
        base_units=Decimal(base_units),
        valid_from=valid_from,
        by=by,
        at=at,
        reason="central bank",
    )
    approvals.approve(asked, approver, at)
    return Rate.objects.get(currency=currency, valid_from=valid_from or at)


@dataclass
class Traffic:
    """What went to the database: statements in order, and how often it was waited for."""

    statements: list[str] = field(default_factory=list)
    trips: int = 0  # on PostgreSQL, without beginning and commit


@contextmanager
def traffic() -> Iterator[Traffic]:
    """Tell what goes to the database inside, by the ORM and by prepared statements."""
    seen = Traffic()
    run = prepared.run

    def noting(asks: list[prepared.Ask], **end: Any) -> list[list[prepared.Row]]:
        seen.trips += 1
        seen.statements += [ask.statement.raw for ask in asks]
        return run(asks, **end)

    with mock.patch.object(prepared, "run", noting), CaptureQueriesContext(connection) as queries:
        yield seen
    by_orm = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    seen.statements += by_orm
    seen.trips += len(by_orm)
