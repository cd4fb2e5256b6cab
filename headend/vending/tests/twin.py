"""The vend in plain ORM: the oracle of `headend.config.statements`.

The rules of a sale are written once, in the services. What this replaces is how they read and
write: each statement by the ORM query that says the same, what is gathered by `save`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F, Q, Sum

from headend.api.models import ApiKey
from headend.config import prepared, statements, writing
from headend.customers.queries import agreements_in_force
from headend.debts.models import Debt
from headend.fleet.models import MeterLink
from headend.ledger.models import Account
from headend.meters.models import Meter
from headend.securitymodule.models import VendingKey
from headend.tariffs.models import TariffVersion
from headend.vending.models import FreeEnrolment, FreeGrant, OpeningUse, Sale
from headend.vendors.models import Operator, Purse, Shift


def _permissions(user: int, _: int) -> list[tuple[str]]:
    found = Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()
    names = found.values_list("content_type__app_label", "codename")
    return [(f"{app}.{codename}",) for app, codename in names]


def _edition() -> list[tuple[int]]:
    """No model stands for the table, whose one row only triggers change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM api_edition")
        return cursor.fetchall()


def _key(prefix: str) -> list[ApiKey]:
    found = list(ApiKey.objects.select_related("program").filter(prefix=prefix))
    for key in found:
        may = Permission.objects.filter(Q(user=key.program) | Q(group__user=key.program))
        vars(key)["may"] = " ".join(str(permission.pk) for permission in may)
    return found


def _agreement(meter: int) -> Any:
    return agreements_in_force().filter(meter_id=meter)


def _last_state(agreement: int, _: int) -> list[tuple[Any, Any]]:
    sales = Sale.objects.standing().filter(agreement_id=agreement)
    last = sales.order_by("-pk").first()
    opening = OpeningUse.objects.filter(agreement_id=agreement).first()
    return [
        (
            json.dumps(last.calculation) if last else None,
            json.dumps(opening.state) if opening else None,
        )
    ]


def _issued(agreement: int, begins: Any, ends: Any, *_: Any) -> list[tuple[Any, ...]]:
    def total(found: Any, when: str, what: str) -> Any:
        within = found.filter(**{f"{when}__gte": begins, f"{when}__lt": ends})
        return within.filter(agreement_id=agreement).aggregate(total=Sum(what))["total"]

    return [
        (
            total(Sale.objects.standing(), "created_at", "issued_wh"),
            total(OpeningUse.objects.all(), "as_of", "issued_wh"),
            total(FreeGrant.objects.all(), "granted_at", "energy_wh"),
        )
    ]


def _debts(customer: int, premises: int) -> Any:
    owed = Debt.objects.filter(Q(customer=customer) | Q(premises=premises), balance_minor__gt=0)
    return owed.order_by("pk")


def _token_identifier(tid: int, meter: int, before: int) -> list[tuple[int]]:
    last = None if before == -1 else before
    return _changed(Meter.objects.filter(pk=meter, last_tid=last), last_tid=tid)


def _purse(amount_minor: int, vendor: int, _: int) -> list[tuple[int]]:
    purse = Purse.objects.filter(vendor=vendor, is_open=True, available_minor__gte=amount_minor)
    first = purse.values_list("pk", flat=True)[:1]
    taken = Purse.objects.filter(pk__in=list(first))
    return _changed(taken, available_minor=F("available_minor") - amount_minor)


def _shift_sale(tender_minor: int, shift: int) -> list[tuple[int]]:
    return _changed(
        Shift.objects.filter(pk=shift, state=Shift.OPEN),
        sales_count=F("sales_count") + 1,
        sold_minor=F("sold_minor") + tender_minor,
    )


def _debt_paid(amount_minor: int, debt: int) -> list[tuple[int]]:
    return _changed(Debt.objects.filter(pk=debt), balance_minor=F("balance_minor") - amount_minor)


def _changed(found: Any, **values: Any) -> list[tuple[int]]:
    return [(1,)] * found.update(**values)


TWINS: dict[prepared.Statement, Callable[..., Any]] = {
    statements.EDITION: _edition,
    statements.KEY: _key,
    statements.PERMISSIONS: _permissions,
    statements.OPERATOR: lambda user: Operator.objects.select_related(
        "vendor__contract", "till"
    ).filter(user=user),
    statements.SHIFT: lambda user: (
        Shift.objects.exclude(state=Shift.CLOSED).select_related("till").filter(user=user)
    ),
    statements.METER_BY_DRN: lambda drn: Meter.objects.filter(drn=drn),
    statements.METER_BY_PAN: lambda pan: Meter.objects.filter(pan=pan),
    statements.AGREEMENT: _agreement,
    statements.AGREEMENT_LOCKED: _agreement,
    statements.IS_SOLD: lambda caller, message_id: [
        (Sale.objects.filter(caller=caller, message_id=message_id).exists(),)
    ],
    statements.SALE_OF_MESSAGE: lambda caller, message_id: Sale.objects.filter(
        caller=caller, message_id=message_id
    ),
    statements.LATEST_VERSIONS: lambda tariff: (
        TariffVersion.objects.select_related("tariff")
        .filter(tariff=tariff)
        .order_by("-valid_from")[:4]
    ),
    statements.TARIFF_VERSION: lambda tariff, at: (
        TariffVersion.objects.select_related("tariff")
        .filter(tariff=tariff, valid_from__lte=at)
        .order_by("-valid_from")[:1]
    ),
    statements.LAST_STATE: _last_state,
    statements.ISSUED: _issued,
    statements.DEBTS: _debts,
    statements.DEBTS_LOCKED: _debts,
    statements.IS_ENROLLED: lambda customer, premises: [
        (FreeEnrolment.objects.filter(customer=customer, premises=premises).exists(),)
    ],
    statements.VENDING_KEY: lambda sgc, kt, krn, base_date, dkga: VendingKey.objects.filter(
        sgc=sgc, kt=kt, krn=krn, base_date=base_date, dkga=dkga
    ),
    statements.NEW_IDS: lambda: [(None, None, None)],
    statements.TOKEN_IDENTIFIER: _token_identifier,
    statements.ACCOUNT: lambda code, currency: list(
        Account.objects.filter(code=code, currency=currency).values_list("pk")
    ),
    statements.PURSE: _purse,
    statements.BEFORE_PURSE: list,  # one sale at a time has nobody to wait for
    statements.BACK_BEFORE_PURSE: list,
    statements.SHIFT_SALE: _shift_sale,
    statements.DEBT_PAID: _debt_paid,
    statements.HAS_LINK: lambda meter: [(MeterLink.objects.filter(meter=meter).exists(),)],
}


def _nothing_ahead(*_: Any) -> Any:
    return nullcontext()


def _written_at_once(*, ends_transaction: bool = False) -> Any:
    return nullcontext()


@contextmanager
def in_plain_orm() -> Iterator[None]:
    """Have everything read and written by the ORM."""

    def rows(statement: prepared.Statement, *parameters: Any) -> Any:
        return list(TWINS[statement](*parameters))

    def first(statement: prepared.Statement, *parameters: Any) -> Any:
        return next(iter(rows(statement, *parameters)), None)

    with (
        mock.patch.object(prepared, "rows", rows),
        mock.patch.object(prepared, "every", rows),
        mock.patch.object(prepared, "first", first),
        mock.patch.object(prepared, "ahead", _nothing_ahead),
        mock.patch.object(writing, "gathering", _written_at_once),
    ):
        yield
