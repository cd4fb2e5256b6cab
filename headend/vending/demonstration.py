"""Fills an empty installation for a demonstration: people, customers, meters, keys."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction

from headend.accounts import approvals, groups
from headend.accounts.models import User
from headend.accounts.services import console_user, create_user
from headend.config.errors import Refusal
from headend.currencies.models import Currency
from headend.currencies.services import accept, propose_rate
from headend.customers.models import SupplyAgreement
from headend.customers.services import open_agreement, register_customer
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, install_meter, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.tariffs.models import Tariff
from headend.tariffs.rules import flat
from headend.tariffs.services import publish_version
from headend.vending.demonstration_vendor import seed_vendor
from headend.vendors.models import Vendor
from headend.vendors.services import add_till
from headend.vendors.shifts import fill_safe
from shared.sts import identifiers

_PASSWORD_BYTES = 9
_TARIFF = "domestic-flat"
_PRICE_MINOR_PER_KWH = Decimal("250.00")
_TAX_PERCENT = Decimal(15)
_MANUFACTURER = "04"

_PEOPLE = (
    ("admin", groups.ADMINISTRATOR),
    ("approver", groups.APPROVER),
    ("cashier", groups.CASHIER),
    ("engineer", groups.ENGINEER),
    ("auditor", groups.AUDITOR),
    ("shop-manager", groups.VENDOR_MANAGER),
    ("shop-cashier", groups.VENDOR_CASHIER),
)

_RATES = {"ZAR": ("USD", Decimal("18.2537"))}  # by base currency: another one, what 1 is worth

_PAST = timedelta(days=1, hours=4)  # how long ago the demonstration seems to have begun
_UTILITY_TILL = "Window 1"
_SAFE_MINOR = 1_000_00

# (serial, customer, phone, address)
_SUPPLIES = (
    ("10000001", "Thandi Mokoena", "+27 82 555 0101", "12 Acacia Street, Riverside"),
    ("10000002", "Pieter van der Merwe", "+27 83 555 0102", "4 Station Road, Riverside"),
)
# Nobody simulates its meter: it is there for what the vendor sold before.
_CUSTOMER_OF_VENDOR = (
    "10000003",
    "Grace Ndlovu",
    "+27 84 555 0104",
    "9 Market Square, Riverside",
)


@dataclass(frozen=True)
class Person:
    """A user of the demonstration, who may log in with this password."""

    username: str
    password: str
    group: str


@dataclass(frozen=True)
class Supply:
    """A meter of the demonstration and whom it serves."""

    drn: str
    customer: str  # nothing, as the address, while the meter serves nobody
    address: str


@dataclass(frozen=True)
class Demonstration:
    """What was seeded."""

    people: list[Person]
    supplies: list[Supply]


def seed(*, at: datetime, with_vendor: bool = True) -> Demonstration:
    """Create what is missing and tell what there is; doing it again changes nothing.

    The generated passwords are kept in the demonstration's own file, readable by its owner only,
    so that later starts can print them. Whoever changed a password is not told it.

    Args:
        at: now.
        with_vendor: also a vendor that has sold before, and dollars that are taken.

    Raises:
        PublishedKeyRefused: this is not a demonstration.
    """
    file: Path = settings.DEMONSTRATION_FILE
    known: dict[str, str] = json.loads(file.read_text())["passwords"] if file.exists() else {}
    with transaction.atomic():
        by = console_user()
        load_demonstration_keys(by=by, at=at - _PAST)
        people = [_person(name, group, known.get(name)) for name, group in _PEOPLE]
        tariff = _tariff(by, at - _PAST)
        supplies = [_supply(*supply, tariff, by, at) for supply in _SUPPLIES]
        if with_vendor and not Vendor.objects.exists():
            _vendor(tariff, by, at)
        if with_vendor and not Currency.objects.exists():
            _other_currency(
                by, max(at - _PAST, tariff.versions.order_by("valid_from")[0].valid_from)
            )
    _write(file, {person.username: person.password for person in people})
    return Demonstration(people=people, supplies=supplies)


def as_dictionary(demonstration: Demonstration) -> dict[str, list[dict[str, str]]]:
    """Return it as plain lists and dictionaries, for JSON."""
    return asdict(demonstration)


def _person(username: str, group: str, known_password: str | None) -> Person:
    user = User.objects.filter(username=username).first()
    if user is None:
        password = known_password or secrets.token_urlsafe(_PASSWORD_BYTES)
        create_user(username=username, password=password, groups=(group,))
        return Person(username, password, group)
    return Person(username, known_password or "", group)


def _tariff(by: User, at: datetime) -> Tariff:
    tariff = Tariff.objects.filter(code=_TARIFF).first()
    if tariff is not None:
        return tariff
    return publish_version(
        code=_TARIFF,
        name="Domestic flat",
        valid_from=at,
        rules=flat(price_minor_per_kwh=_PRICE_MINOR_PER_KWH, tax_percent=_TAX_PERCENT),
        by=by,
        at=at,
    ).tariff


def _vendor(tariff: Tariff, by: User, at: datetime) -> None:
    """Add a vendor with a past, and a till of the utility's own."""
    first = tariff.versions.order_by("valid_from")[0]
    began = max(at - _PAST, first.valid_from)
    user = User.objects.get_by_natural_key
    # Whose people or prices were changed goes on without a vendor.
    with contextlib.suppress(Refusal), transaction.atomic():
        supply = _supply(*_CUSTOMER_OF_VENDOR, tariff, by, began)
        seed_vendor(
            meter=Meter.objects.get(drn=supply.drn),
            manager=user("shop-manager"),
            cashier=user("shop-cashier"),
            approver=user("approver"),
            by=by,
            began=began,
            at=at,
        )
        add_till(None, name=_UTILITY_TILL, by=by, at=began)
        fill_safe(amount_minor=_SAFE_MINOR, by=by, at=began, reason="floats of the tills")


def _other_currency(by: User, at: datetime) -> None:
    """Take another currency, with a rate that two people saw to."""
    rate = _RATES.get(settings.BASE_CURRENCY)
    if rate is None:
        return
    # Whose people were changed goes on without.
    with contextlib.suppress(Refusal), transaction.atomic():
        code, base_units = rate
        asked = propose_rate(
            accept(code, by=by, at=at),
            units=Decimal(1),
            base_units=base_units,
            by=by,
            at=at,
            reason="an example, of no bank",
        )
        approvals.approve(asked, User.objects.get_by_natural_key("approver"), at)


def _supply(
    serial: str, name: str, phone: str, address: str, tariff: Tariff, by: User, at: datetime
) -> Supply:
    drn = identifiers.make_drn(_MANUFACTURER, serial)
    meter = Meter.objects.filter(drn=drn).first()
    if meter is None:
        meter = register_meter(drn=drn, key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=by, at=at)
        install_meter(meter, by=by, at=at)
        open_agreement(
            customer=register_customer(name=name, phone=phone, by=by, at=at),
            address=address,
            meter=meter,
            tariff=tariff,
            by=by,
            at=at,
        )
    running = SupplyAgreement.objects.filter(meter=meter, ended_at__isnull=True)
    agreement = running.select_related("customer", "premises").first()
    if agreement is None:  # somebody moved out, or the meter was replaced
        return Supply(drn, "", "")
    return Supply(drn, agreement.customer.name, agreement.premises.address)


def _write(file: Path, passwords: dict[str, str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        json.dump({"passwords": passwords}, opened)
