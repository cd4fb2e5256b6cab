"""Proves that what the sales say they took is what the ledger says was taken."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_

from django.db.models import BigIntegerField, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat, Substr

from headend.ledger import chart
from headend.ledger.models import Line
from headend.ledger.proofs import Finding, proof
from headend.vending.models import Sale

REFERENCE = "sale:"

_PAID = reduce(or_, (Q(account__code__startswith=f"{branch}.") for branch in chart.PAID_FROM))


@proof("a sale's lines add up to its tender")
def lines_add_up() -> Iterator[Finding]:
    """Yield sales whose receipt does not add up; the tender stands as the ledger's side."""
    sales = Sale.objects.annotate(lines_minor=Coalesce(Sum("lines__amount_minor"), 0)).exclude(
        lines_minor=F("tender_minor")
    )
    for sale in sales.iterator():
        yield f"sale {sale}", sale.currency, sale.tender_minor, sale.lines_minor


@proof("a sale's money is in the ledger once")
def tenders_are_posted() -> Iterator[Finding]:
    """Yield sales whose tender is not what the ledger put on the accounts it was for."""
    lines = Line.objects.filter(
        ~_PAID, entry__reference=Concat(Value(REFERENCE), OuterRef("receipt_number"))
    ).filter(currency=OuterRef("currency"))
    total = lines.order_by().values("entry__reference").annotate(total=-Sum("amount_minor"))
    posted = Coalesce(Subquery(total.values("total"), output_field=BigIntegerField()), 0)
    for sale in Sale.objects.annotate(posted=posted).exclude(posted=F("tender_minor")).iterator():
        yield f"sale {sale}", sale.currency, sale.posted, sale.tender_minor


@proof("an entry of a sale belongs to one")
def entries_have_sales() -> Iterator[Finding]:
    """Yield what entries say was paid for a sale which does not exist."""
    lines = (
        Line.objects.filter(_PAID, entry__reference__startswith=REFERENCE)
        .annotate(receipt=Substr("entry__reference", len(REFERENCE) + 1))
        .exclude(receipt__in=Sale.objects.values("receipt_number"))
    )
    for line in lines.select_related("entry").iterator():
        yield line.entry.reference, line.currency, line.amount_minor, 0
