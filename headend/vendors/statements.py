"""A vendor's statement: its wallet's account in the ledger, seen from the vendor's side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum, Value, Window
from django.db.models.functions import Coalesce

from headend.ledger import chart
from headend.ledger.models import Line
from headend.vendors.models import Vendor

COLUMNS = ("when", "what", "reference", "currency", "in", "out", "earned", "tax", "balance")


@dataclass(frozen=True)
class Statement:
    """What came into a wallet and went out of it in a period; minor units, without signs."""

    opening_minor: int  # below nothing if the vendor used credit
    came_in_minor: int
    went_out_minor: int
    earned_minor: int  # discount or commission in the period, without tax
    tax_minor: int  # the tax on it
    lines: QuerySet[Any]  # of ledger lines, oldest first, with `balance_minor`, `earned_minor` and
    # `tax_minor`: what a purchase or sale is of is in, or out, with both of them

    @property
    def closing_minor(self) -> int:
        """What was in the wallet at the end of the period."""
        return self.opening_minor + self.came_in_minor - self.went_out_minor


def statement(
    vendor: Vendor, *, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """Return a vendor's statement for a half-open period; every figure is a sum of ledger lines.

    Args:
        vendor: whose.
        since: entries from this instant on; None: from the beginning.
        until: entries before this instant; None: to the end.
    """
    moved = _lines(vendor.wallet, vendor.currency)
    earned = _within(_lines(vendor.earnings, vendor.currency), since, until)
    taxed = _lines(chart.TAX_ON_COMMISSION, vendor.currency).filter(
        entry__lines__account__code=vendor.wallet
    )
    opening_minor = -_total(moved.filter(entry__at__lt=since)) if since else 0
    moved = _within(moved, since, until)
    return Statement(
        opening_minor=opening_minor,
        came_in_minor=-_total(moved.filter(amount_minor__lt=0)),
        went_out_minor=_total(moved.filter(amount_minor__gt=0)),
        earned_minor=_total(earned),
        tax_minor=_total(_within(taxed, since, until)),
        lines=_told(moved, vendor, opening_minor),
    )


def rows(found: Statement, vendor: Vendor) -> Iterator[tuple[str, ...]]:
    """Yield a statement's lines as a sheet's rows, under COLUMNS; amounts in minor units."""
    for line in found.lines.iterator():
        yield (
            line.entry.at.isoformat(timespec="seconds"),
            line.entry.description,
            line.entry.reference,
            vendor.currency,
            str(max(-line.amount_minor, 0)),
            str(max(line.amount_minor, 0)),
            str(line.earned_minor),
            str(line.tax_minor),
            str(line.balance_minor),
        )


def _lines(code: str, currency: str) -> QuerySet[Line]:
    return Line.objects.filter(account__code=code, account__currency=currency)


def _within(
    lines: QuerySet[Line], since: datetime | None, until: datetime | None
) -> QuerySet[Line]:
    if since is not None:
        lines = lines.filter(entry__at__gte=since)
    return lines if until is None else lines.filter(entry__at__lt=until)


def _total(lines: QuerySet[Line]) -> int:
    return int(lines.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"])


def _told(lines: QuerySet[Line], vendor: Vendor, opening_minor: int) -> QuerySet[Any]:
    """Give each line the wallet after it, what its entry earned, and the tax on that."""
    order = (F("entry__at").asc(), F("id").asc())
    running = Value(opening_minor) - Window(Sum("amount_minor"), order_by=order)
    return (
        lines.select_related("entry")
        .annotate(
            balance_minor=running,
            earned_minor=_in_entry(vendor.earnings, vendor.currency),
            tax_minor=_in_entry(chart.TAX_ON_COMMISSION, vendor.currency),
        )
        .order_by(*order)
    )


def _in_entry(code: str, currency: str) -> Coalesce:
    """What the entry of a line moved on an account."""
    beside = _lines(code, currency).filter(entry=OuterRef("entry"))
    total = beside.order_by().values("entry").annotate(total=Sum("amount_minor"))
    return Coalesce(Subquery(total.values("total")), 0)
