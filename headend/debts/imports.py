"""Takes over what customers owe from a sheet (CSV): a dry run, and a result for every row.

A dry run does all that the import does and takes it back, so that its results are the same. A row
that is refused keeps no other from being imported, and importing a sheet again opens nothing
twice: each row has the reference of the system that it comes from.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.config.errors import Refusal
from headend.customers.models import Customer, Premises
from headend.customers.queries import agreement_of
from headend.debts import services
from headend.debts.errors import DebtReferenceTaken, InvalidDebt
from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.meters.queries import meter_numbered

OPENED, THERE, REFUSED = "opened", "already there", "refused"
LARGEST_SHEET_BYTES = 20 * 1024 * 1024

# column -> what it says, and whether a sheet must have it
COLUMNS: dict[str, tuple[str, bool]] = {
    "reference": ("the debt's name in the system it comes from; each is imported once", True),
    "meter": ("number of the meter whose customer owes it, or whose premises it rests on", False),
    "customer": ("number of the customer, as in the address of their page", False),
    "attach_to": ("customer (if empty) or premises", False),
    "title": ("what it is for, as receipts print it", True),
    "amount": ("what is owed, such as 150.00", True),
    "method": (", ".join(Debt.Method.values), True),
    "rate": ("the percent, the amount each time, or the number of instalments", True),
    "first_due": ("instalments: when the first one is due, as 2026-12-01", False),
    "priority": ("1 (if empty) is recovered first", False),
    "cap_per_purchase": ("the most that one purchase pays", False),
    "cap_per_month": ("the most that a month's purchases pay", False),
}


@dataclass(frozen=True)
class RowResult:
    """What became of one row of the sheet."""

    row: int  # as a spreadsheet counts, the heading is row 1
    reference: str
    outcome: str  # OPENED, THERE or REFUSED
    amount_minor: int = 0
    owner: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Report:
    """What became of a sheet."""

    rows: list[RowResult]
    dry_run: bool

    def count(self, outcome: str) -> int:
        """How many rows ended so."""
        return sum(row.outcome == outcome for row in self.rows)

    @property
    def opened_minor(self) -> int:
        """What the opened debts add up to."""
        return sum(row.amount_minor for row in self.rows if row.outcome == OPENED)


class _TakenBack(Exception):
    """Ends a dry run."""


def import_debts(text: str, *, by: User, at: datetime, dry_run: bool) -> Report:
    """Open the debts of a sheet.

    Args:
        text: the sheet as CSV with a heading; columns are those of COLUMNS, in any order.
        by: who imports; needs debts.add_debt.
        at: now; also decides whose meter a meter is.
        dry_run: only say what would become of each row.

    Returns:
        Report: a result for each row, in the sheet's order.

    Raises:
        InvalidDebt: it is no such sheet; nothing was imported.
    """
    require(by, "debts.add_debt")
    rows = _read(text)
    results: list[RowResult] = []
    try:
        with transaction.atomic():
            results += [_import_row(number, row, by, at) for number, row in rows]
            if dry_run:
                raise _TakenBack
    except _TakenBack:
        pass
    return Report(results, dry_run)


def _read(text: str) -> list[tuple[int, dict[str, str]]]:
    """Return the rows by their number; comma, semicolon and tab separate columns."""
    text = text.removeprefix("\ufeff")
    heading = text.partition("\n")[0]
    separator = max(",;\t", key=heading.count)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        names = [name.strip().lower() for name in reader.fieldnames or []]
        reader.fieldnames = names
        rows = [
            (number, {name: (cell or "").strip() for name, cell in row.items() if name})
            for number, row in enumerate(reader, start=2)
        ]
    except csv.Error as error:
        raise InvalidDebt(f"the sheet can't be read as CSV: {error}") from None
    missing = [name for name, (_, needed) in COLUMNS.items() if needed and name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing:
        raise InvalidDebt(f"the sheet lacks the column {missing[0]}: {COLUMNS[missing[0]][0]}")
    if unknown:
        raise InvalidDebt(f"nobody knows a column {unknown[0]!r}; there are {', '.join(COLUMNS)}")
    return [(number, row) for number, row in rows if any(row.values())]


def _import_row(number: int, row: dict[str, str], by: User, at: datetime) -> RowResult:
    reference = row["reference"]
    try:
        with transaction.atomic():
            if not reference:
                raise InvalidDebt("the row has no reference, so it could be imported twice")
            amount_minor = _minor(row["amount"], "amount")
            there = Debt.objects.filter(external_reference=reference).first()
            if there is not None:
                return _same_debt(there, number, amount_minor)
            debt = services.open_debt(
                owner=_owner(row, at),
                title=row["title"],
                amount_minor=amount_minor,
                terms=_terms(row),
                by=by,
                at=at,
                external_reference=reference,
            )
            return RowResult(number, reference, OPENED, amount_minor, str(debt.owner))
    except Refusal as error:
        return RowResult(number, reference, REFUSED, explanation=str(error))


def _same_debt(there: Debt, number: int, amount_minor: int) -> RowResult:
    reference = there.external_reference or ""
    if there.principal_minor != amount_minor:
        raise DebtReferenceTaken(f"debt {reference} is here already, with another amount")
    return RowResult(number, reference, THERE, amount_minor, str(there.owner))


def _owner(row: dict[str, str], at: datetime) -> Customer | Premises:
    kind = row.get("attach_to", "") or "customer"
    if kind not in ("customer", "premises"):
        raise InvalidDebt(f"a debt is attached to a customer or a premises, not to {kind!r}")
    number = row.get("customer", "")
    if row.get("meter"):
        if number:
            raise InvalidDebt("the row names a meter and a customer; one is enough")
        agreement = agreement_of(meter_numbered(row["meter"]), at=at)
        return agreement.premises if kind == "premises" else agreement.customer
    if kind == "premises":
        raise InvalidDebt("a debt on a premises is found by its meter; fill that column")
    customer = (
        Customer.objects.filter(pk=int(number)).first()
        if re.fullmatch(r"[0-9]{1,18}", number)
        else None
    )
    if customer is None:
        raise InvalidDebt(f"there is no customer {number!r}" if number else "whose debt is it?")
    return customer


def _terms(row: dict[str, str]) -> Terms:
    method, rate = row["method"], row["rate"]
    reads: dict[str, Callable[[], dict[str, object]]] = {
        Debt.Method.PERCENT: lambda: {"percent": _percent(rate)},
        Debt.Method.PER_PURCHASE: lambda: {"amount_minor": _minor(rate, "rate")},
        Debt.Method.PER_MONTH: lambda: {"amount_minor": _minor(rate, "rate")},
        Debt.Method.INSTALMENTS: lambda: {
            "instalments": _whole(rate, "rate"),
            "first_due": _day(row.get("first_due", "")),
        },
    }
    if method not in reads:
        Terms(method=method).check()  # refuses it, and says what there is
    caps = {
        f"{name}_minor": _minor(row[name], name) if row.get(name) else None
        for name in ("cap_per_purchase", "cap_per_month")
    }
    priority = _whole(row["priority"], "priority") if row.get("priority") else 1
    fields: dict[str, object] = {"method": method, "priority": priority, **caps}
    return Terms(**(fields | reads[method]()))  # type: ignore[arg-type]


def _minor(text: str, column: str) -> int:
    digits = settings.BASE_CURRENCY_MINOR_DIGITS
    if not re.fullmatch(rf"[0-9]{{1,12}}(\.[0-9]{{1,{digits}}})?", text, re.ASCII):
        raise InvalidDebt(f"{column} {text!r} is no amount; write 150 or 150.00")
    return int(Decimal(text).scaleb(digits))


def _percent(text: str) -> Decimal:
    try:
        percent = Decimal(text.removesuffix("%").strip())
    except InvalidOperation:
        percent = Decimal("NaN")
    if not percent.is_finite() or percent != percent.quantize(Decimal("0.0001")):
        raise InvalidDebt(f"rate {text!r} is no percentage of at most four decimals")
    return percent


def _whole(text: str, column: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII):
        raise InvalidDebt(f"{column} {text!r} is no whole number")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidDebt(f"first_due {text!r} is no day; write 2026-12-01") from None
