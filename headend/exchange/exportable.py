"""The registers that can be exported: who may have each, which objects it holds, its columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from headend.accounts.models import User
from headend.config import iso4217, opaque
from headend.customers.models import Customer, SupplyAgreement
from headend.debts.models import Debt
from headend.design import figures
from headend.meters.models import Meter
from headend.vending import disclosure
from headend.vending.models import FreeEnrolment, IssuedToken, Sale
from headend.vendors.queries import of_own_vendor


@dataclass(frozen=True)
class Export:
    """One register that can be had as a sheet."""

    name: str
    title: str
    permission: str
    find: Callable[[User], QuerySet[Any]]
    columns: dict[str, Callable[[Any], Any]]  # heading -> the cell of an object
    dated: str = ""  # the field by which a period is chosen, if there is one


def text(cell: Any) -> str:
    """Return what a cell holds as its sheet shows it."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return timezone.localtime(cell).strftime("%Y-%m-%d %H:%M:%S%z")
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    return str(cell)


def _money(amount_minor: int | None) -> str:
    digits = settings.BASE_CURRENCY_MINOR_DIGITS
    return (
        "" if amount_minor is None else figures.decimal(amount_minor, digits=digits, grouped=False)
    )


def _paid(paid_minor: int, currency: str) -> str:
    return figures.decimal(paid_minor, digits=iso4217.decimals(currency), grouped=False)


def _kwh(energy_wh: int | None) -> str:
    return "" if energy_wh is None else f"{Decimal(energy_wh).scaleb(-3).normalize():f}"


def _month(day: date | None) -> str:
    return f"{day:%Y-%m}" if day else ""


def _customer_id(number: int) -> str:
    return opaque.encode("customers.customer", number)


def _debtor(debt: Debt) -> str:
    return _customer_id(debt.customer_id) if debt.customer_id else ""


def _debts(user: User) -> QuerySet[Any]:
    """Return debts; those on a premises with a meter there, by which an import finds it."""
    running = SupplyAgreement.objects.filter(premises=OuterRef("premises"), ended_at=None)
    meter = Subquery(running.order_by("pk").values("meter__drn")[:1])
    return Debt.objects.select_related("customer", "premises").annotate(meter=meter)


def _plan(debt: Debt) -> str:
    return _money(debt.plan_minor) if debt.method == Debt.Method.INSTALMENTS else ""


def _rate(debt: Debt) -> str:
    method = Debt.Method(debt.method)
    if method in (Debt.Method.PERCENT, Debt.Method.PERCENT_OWED):
        return text(debt.percent)
    return (
        str(debt.instalments) if method == Debt.Method.INSTALMENTS else _money(debt.amount_minor)
    )


def _agreements(user: User) -> QuerySet[Any]:
    return SupplyAgreement.objects.select_related("customer", "premises", "meter", "tariff")


def _enrolments(user: User) -> QuerySet[Any]:
    running = SupplyAgreement.objects.filter(
        customer=OuterRef("customer"), premises=OuterRef("premises"), ended_at=None
    ).order_by("pk")
    enrolments = FreeEnrolment.objects.select_related("programme", "customer", "premises")
    return enrolments.annotate(meter=Subquery(running.values("meter__drn")[:1]))


def _sales(user: User) -> QuerySet[Any]:
    sales = Sale.objects.select_related(
        "meter", "operator", "vendor", "reversal", "agreement__customer", "exchange_rate"
    )
    return of_own_vendor(sales, user)


def _tokens(user: User) -> QuerySet[Any]:
    tokens = IssuedToken.objects.select_related("meter", "sale", "issued_by", "free_grant")
    tokens = tokens.select_related(*(f"sale__{name}" for name in disclosure.RELATED))
    return of_own_vendor(tokens, user, field="sale__vendor")


EXPORTS = {
    one.name: one
    for one in (
        Export(
            "customers",
            "Customers",
            "customers.view_customer",
            lambda _: Customer.objects.all(),
            {
                "reference": lambda one: one.external_reference,
                "id": lambda one: opaque.id_of(one),
                "name": lambda one: one.name,
                "phone": lambda one: one.phone,
                "email": lambda one: one.email,
                "language": lambda one: one.language,
            },
            dated="created_at",
        ),
        Export(
            "meters",
            "Meters",
            "meters.view_meter",
            lambda _: Meter.objects.all(),
            {
                "meter": lambda one: one.drn,
                "sgc": lambda one: one.sgc,
                "krn": lambda one: one.krn,
                "ti": lambda one: one.ti,
                "ken": lambda one: one.ken,
                "kt": lambda one: one.kt,
                "base_date": lambda one: one.base_date,
                "ea": lambda one: f"{one.ea:02d}",
                "dkga": lambda one: f"{one.dkga:02d}",
                "status": lambda one: one.status,
                "payment_mode": lambda one: one.intended_payment_mode,
            },
            dated="registered_at",
        ),
        Export(
            "agreements",
            "Supply agreements",
            "customers.view_supplyagreement",
            _agreements,
            {
                "meter": lambda one: one.meter.drn,
                "customer": lambda one: _customer_id(one.customer_id),
                "customer_reference": lambda one: one.customer.external_reference,
                "customer_name": lambda one: one.customer.name,
                "address": lambda one: one.premises.address,
                "tariff": lambda one: one.tariff.code,
                "since": lambda one: one.started_at,
                "until": lambda one: one.ended_at,
                "connection_va": lambda one: one.connection_va,
                "low_credit_kwh": lambda one: _kwh(one.low_credit_threshold_wh),
            },
            dated="started_at",
        ),
        Export(
            "debts",
            "Debts",
            "debts.view_debt",
            _debts,
            {
                "reference": lambda one: one.external_reference or opaque.id_of(one),
                "id": lambda one: opaque.id_of(one),
                "meter": lambda one: one.meter,
                "customer": _debtor,
                "customer_reference": lambda one: one.customer and one.customer.external_reference,
                "owner": lambda one: one.owner,
                "attach_to": lambda one: "customer" if one.customer_id else "premises",
                "title": lambda one: one.title,
                "amount": lambda one: _money(one.principal_minor),
                "balance": lambda one: _money(one.balance_minor),
                "currency": lambda one: one.currency,
                "method": lambda one: one.method,
                "rate": _rate,
                "plan": _plan,
                "first_due": lambda one: one.first_due,
                "priority": lambda one: one.priority,
                "cap_per_purchase": lambda one: _money(one.cap_per_purchase_minor),
                "cap_per_month": lambda one: _money(one.cap_per_month_minor),
                "later_percent": lambda one: text(one.later_percent) if one.later_from else "",
                "later_from": lambda one: one.later_from,
                "blocked_from": lambda one: one.blocked_from,
                "opened_at": lambda one: one.opened_at,
            },
            dated="opened_at",
        ),
        Export(
            "free-electricity",
            "Free electricity",
            "vending.view_freeenrolment",
            _enrolments,
            {
                "meter": lambda one: one.meter,
                "customer": lambda one: _customer_id(one.customer_id),
                "customer_name": lambda one: one.customer.name,
                "address": lambda one: one.premises.address,
                "programme": lambda one: one.programme.code,
                "from_month": lambda one: _month(one.from_month),
                "until_month": lambda one: _month(one.until_month),
            },
        ),
        Export(
            "sales",
            "Sales",
            "vending.view_sale",
            _sales,
            {
                "receipt": lambda one: one.receipt_number,
                "sold_at": lambda one: one.created_at,
                "meter": lambda one: one.meter.drn,
                "customer": lambda one: _customer_id(one.agreement.customer_id),
                "customer_name": lambda one: one.agreement.customer.name,
                "amount": lambda one: _money(one.tender_minor),
                "currency": lambda one: one.currency,
                "paid": lambda one: _paid(one.received_minor, one.received_currency),
                "paid_currency": lambda one: one.received_currency,
                "exchange_rate": lambda one: one.exchange_rate and one.exchange_rate.words,
                "issued_kwh": lambda one: _kwh(one.issued_wh),
                "operator": lambda one: one.operator.username,
                "vendor": lambda one: one.vendor,
                "reversed_at": lambda one: (
                    one.reversal.reversed_at if hasattr(one, "reversal") else None
                ),
            },
            dated="created_at",
        ),
        Export(
            "tokens",
            "Tokens",
            "vending.view_issuedtoken",
            _tokens,
            {
                "token": disclosure.digits_of,
                "meter": lambda one: one.meter.drn,
                "receipt": lambda one: one.sale.receipt_number if one.sale else None,
                "issued_at": lambda one: one.issued_at,
                "class": lambda one: one.token_class,
                "subclass": lambda one: one.subclass,
                "tid": lambda one: one.tid,
                "kwh": lambda one: _kwh(one.units * 100) if one.units is not None else "",
                "purpose": lambda one: one.purpose,
                "issued_by": lambda one: one.issued_by.username,
            },
            dated="issued_at",
        ),
    )
}
