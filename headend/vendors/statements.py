"""A vendor's statement: its wallet's account in the ledger, seen from the vendor's side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from headend.ledger import chart
from headend.ledger.models import Account, Line
from headend.ledger.movements import Movements, within
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
    lines: (
        Movements  # oldest first, each with `balance_minor`, `earned_minor` and `tax_minor`: what
    )
    # a purchase or sale is of is in, or out, with both of them

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
    beside = {
        "earned_minor": _in_entry(vendor.earnings, vendor.currency),
        "tax_minor": _in_entry(chart.TAX_ON_COMMISSION, vendor.currency),
    }
    wallet = Movements(
        _account(vendor.wallet, vendor), since=since, until=until, sign=-1, beside=beside
    )
    earned = Movements(_account(vendor.earnings, vendor), since=since, until=until)
    taxed = _lines(chart.TAX_ON_COMMISSION, vendor.currency).filter(
        entry__lines__account__code=vendor.wallet
    )
    return Statement(
        opening_minor=-wallet.opening.balance_minor,
        came_in_minor=wallet.within.credits_minor,
        went_out_minor=wallet.within.debits_minor,
        earned_minor=earned.within.balance_minor,
        tax_minor=_total(within(taxed, since, until)),
        lines=wallet,
    )


def rows(found: Statement, vendor: Vendor) -> Iterator[tuple[str, ...]]:
    """Yield a statement's lines as a sheet's rows, under COLUMNS; amounts in minor units."""
    for line in found.lines:
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


def _account(code: str, vendor: Vendor) -> Account:
    """Return a vendor's account; one without lines if no money has moved on it yet."""
    found = Account.objects.filter(code=code, currency=vendor.currency).first()
    return found or Account(pk=0, code=code, currency=vendor.currency)


def _lines(code: str, currency: str) -> QuerySet[Line]:
    return Line.objects.filter(account__code=code, account__currency=currency)


def _total(lines: QuerySet[Line]) -> int:
    return int(lines.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"])


def _in_entry(code: str, currency: str) -> Coalesce:
    """What the entry of a line moved on an account."""
    beside = _lines(code, currency).filter(entry=OuterRef("entry"))
    total = beside.order_by().values("entry").annotate(total=Sum("amount_minor"))
    return Coalesce(Subquery(total.values("total")), 0)
