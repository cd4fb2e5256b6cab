"""Proves that what sales say they took agrees with the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat, StrIndex, Substr

from headend.config import iso4217
from headend.currencies import conversion
from headend.currencies.models import SoldCash
from headend.ledger import chart
from headend.ledger.models import Account, Line
from headend.ledger.proofs import Finding, Scope, proof
from headend.ledger.sums import Reading
from headend.vending.accounts import ACCOUNTS
from headend.vending.models import Reversal, Sale, SaleLine
from headend.vending.reversals import REFERENCE as REVERSAL_REFERENCE
from headend.vendors.models import OtherCash, Shift

REFERENCE = "sale:"

_PAID = reduce(or_, (Q(account__code__startswith=f"{branch}.") for branch in chart.PAID_FROM))

# Of which kind of line a ledger line's account keeps the money.
_KIND = Case(
    *(
        When(
            Q(account__code=account) | Q(account__code__startswith=f"{account}."),
            then=Value(str(kind)),
        )
        for kind, account in ACCOUNTS.items()
    ),
    output_field=CharField(),
)


@proof("a sale's lines add up to its tender")
def lines_add_up(scope: Scope) -> Iterator[Finding]:
    """Yield sales whose receipt does not add up; the tender stands as the ledger's side."""
    # Not whole sales: their calculations are wide, and all of them go through a sort.
    sales = (
        scope.new(Sale.objects.all())
        .values("pk", "receipt_number", "currency", "tender_minor")
        .annotate(lines_minor=Coalesce(Sum("lines__amount_minor"), 0))
        .exclude(lines_minor=F("tender_minor"))
    )
    for sale in sales.iterator():
        what = f"sale {sale['receipt_number']}"
        yield what, sale["currency"], sale["tender_minor"], sale["lines_minor"]


@proof("a sale's money is in the ledger once")
def tenders_are_posted(scope: Scope) -> Iterator[Finding]:
    """Yield sales whose tender is not what the ledger put on the accounts it was for."""
    lines = Line.objects.filter(
        ~_PAID, entry__reference=Concat(Value(REFERENCE), OuterRef("receipt_number"))
    ).filter(currency=OuterRef("currency"))
    total = lines.order_by().values("entry__reference").annotate(total=-Sum("amount_minor"))
    posted = Coalesce(Subquery(total.values("total"), output_field=BigIntegerField()), 0)
    sales = scope.new(Sale.objects.all()).annotate(posted=posted)
    for sale in sales.exclude(posted=F("tender_minor")).iterator():
        yield f"sale {sale}", sale.currency, sale.posted, sale.tender_minor


@proof("an entry of a sale belongs to one")
def entries_have_sales(scope: Scope) -> Iterator[Finding]:
    """Yield what entries say was paid for a sale which does not exist."""
    lines = (
        scope.new(Line.objects.filter(_PAID, entry__reference__startswith=REFERENCE))
        .annotate(receipt=Substr("entry__reference", len(REFERENCE) + 1))
        .filter(~Exists(Sale.objects.filter(receipt_number=OuterRef("receipt"))))
    )
    for line in lines.select_related("entry").iterator():
        yield line.entry.reference, line.currency, line.amount_minor, 0


@proof("what sales say each kind of line took is on its accounts")
def kinds_are_posted(scope: Scope) -> Iterator[Finding]:
    """Yield kinds of lines whose total over all sales is not that of their accounts."""
    sale_lines = SaleLine.objects.order_by()
    lines = Line.objects.filter(entry__reference__startswith=REFERENCE).order_by()
    if not scope.is_whole:
        sales = scope.new(Sale.objects.all()).order_by()
        sale_lines = sale_lines.filter(sale__in=sales.values("pk"))
        lines = lines.filter(
            entry__reference__in=sales.values_list(Concat(Value(REFERENCE), "receipt_number"))
        )
    told = {
        (kind, currency): total
        for kind, currency, total in sale_lines.values_list("kind", "sale__currency").annotate(
            total=Sum("amount_minor")
        )
    }
    totals = (
        lines.annotate(kind=_KIND)
        .exclude(kind=None)
        .values_list("kind", "currency")
        .annotate(total=-Sum("amount_minor"))
    )
    posted = {(kind, currency): total for kind, currency, total in totals}
    for kind, currency in sorted({*posted, *told}):
        figures = posted.get((kind, currency), 0), told.get((kind, currency), 0)
        if figures[0] != figures[1]:
            yield f"lines of kind {kind}", currency, *figures


@proof("a shift's total is what was sold in it")
def shifts_add_up(scope: Scope) -> Iterator[Finding]:
    """Yield shifts whose total is not that of their sales, which are the ledger's."""
    in_base = Q(sales__exchange_rate=None)
    looked_at = _shifts(scope, scope.new(Sale.objects.all()))
    shifts = looked_at.select_related("vendor").annotate(
        sales_minor=Coalesce(Sum("sales__tender_minor", filter=in_base), 0)
    )
    for shift in shifts.exclude(sales_minor=F("sold_minor")).iterator():
        yield f"shift {shift.pk}", shift.currency, shift.sales_minor, shift.sold_minor
    yield from _other_cash(looked_at, "shift", "sold_minor")


@proof("what a shift paid out is what was reversed in it")
def shifts_paid_out(scope: Scope) -> Iterator[Finding]:
    """Yield shifts that count another sum as paid out than their reversals gave back."""
    in_base = Q(reversals__sale__exchange_rate=None)
    looked_at = _shifts(scope, scope.new(Reversal.objects.all()))
    shifts = looked_at.select_related("vendor").annotate(
        reversed_minor=Coalesce(Sum("reversals__sale__tender_minor", filter=in_base), 0)
    )
    for shift in shifts.exclude(reversed_minor=F("paid_out_minor")).iterator():
        yield f"shift {shift.pk}", shift.currency, shift.reversed_minor, shift.paid_out_minor
    yield from _other_cash(looked_at, "reversal__shift", "paid_out_minor")


def _shifts(scope: Scope, new: QuerySet[Any]) -> QuerySet[Shift]:
    """Return the shifts of new rows, and those that are not closed; all if all are looked at."""
    if scope.is_whole:
        return Shift.objects.all()
    return Shift.objects.filter(~Q(state=Shift.CLOSED) | Q(pk__in=new.order_by().values("shift")))


def _other_cash(shifts: QuerySet[Shift], shift: str, field: str) -> Iterator[Finding]:
    """Yield shifts that keep another sum of a currency than their sales were paid in it.

    Args:
        shifts: which.
        shift: how a sale is of a shift.
        field: the sum that is kept.
    """
    sales = Sale.objects.filter(**{f"{shift}__in": shifts}).exclude(exchange_rate=None)
    by_sales = {
        (shift_id, currency): paid
        for shift_id, currency, paid in sales.order_by()
        .values_list(shift, "exchange_rate__currency")
        .annotate(paid=Sum("paid_minor"))
    }
    kept = {
        (shift_id, currency): minor
        for shift_id, currency, minor in OtherCash.objects.filter(shift__in=shifts).values_list(
            "shift", "currency", field
        )
    }
    for shift_id, currency in sorted({*by_sales, *kept}):
        figures = by_sales.get((shift_id, currency), 0), kept.get((shift_id, currency), 0)
        if figures[0] != figures[1]:
            yield f"shift {shift_id}", currency, *figures


@proof("money in another currency was worth its tender")
def tenders_are_worth(scope: Scope) -> Iterator[Finding]:
    """Yield sales whose tender is not what was paid, at the rate that is kept with them."""
    sales = scope.new(Sale.objects.exclude(exchange_rate=None)).select_related("exchange_rate")
    for sale in sales.iterator():
        worth_minor = _worth(sale)
        if worth_minor != sale.tender_minor:
            yield f"sale {sale}", sale.currency, worth_minor, sale.tender_minor


def _worth(sale: Sale) -> int:
    if sale.exchange_rate is None:
        return sale.tender_minor
    digits = iso4217.decimals(sale.currency)
    found = conversion.convert(sale.received_minor, sale.exchange_rate, base_digits=digits)
    return found.worth_minor


@proof("what was exchanged is what sales took in other currencies and was not sold")
def exchanges_follow(_: Scope) -> Iterator[Finding]:
    """Yield currencies in which the accounts of exchange hold other sums than the sales say.

    What a move to another meter reversed was not handed back: its money stays exchanged. What the
    bank bought is exchanged back, at what it stood at.
    """
    stays = Q(reversal=None) | Q(reallocation__isnull=False)
    sales = Sale.objects.filter(stays).exclude(exchange_rate=None).order_by()
    by_sales: dict[tuple[str, str], int] = {}
    told = sales.values_list("exchange_rate__currency", "currency")
    for currency, base, paid, worth in told.annotate(
        paid=Sum("paid_minor"), worth=Sum("tender_minor")
    ):
        account = chart.exchange_account(currency)
        by_sales[account, currency] = -paid
        by_sales[account, base] = worth
    sold = SoldCash.objects.order_by().values_list("currency", "payment__currency")
    for currency, base, amount, worth in sold.annotate(Sum("amount_minor"), Sum("worth_minor")):
        account = chart.exchange_account(currency)
        by_sales[account, currency] = by_sales.get((account, currency), 0) + amount
        by_sales[account, base] = by_sales.get((account, base), 0) - worth
    accounts = Account.objects.filter(code__startswith=f"{chart.EXCHANGE}.")
    posted = {(one.code, one.currency): minor for one, minor in Reading().each(accounts)}
    for account, currency in sorted({*posted, *by_sales}):
        figures = posted.get((account, currency), 0), by_sales.get((account, currency), 0)
        if figures[0] != figures[1]:
            yield f"account {account}", currency, *figures


@proof("a reversal undoes its sale, account by account")
def reversals_mirror(scope: Scope) -> Iterator[Finding]:
    """Yield reversed sales that still stand on an account of what their money was for."""
    reference = F("entry__reference")
    receipt = Substr(reference, StrIndex(reference, Value(":")) + 1)
    reversals = scope.new(Reversal.objects.order_by())
    receipts = reversals.values_list("sale__receipt_number", flat=True)
    lines = Line.objects.filter(
        Q(entry__reference__startswith=REFERENCE)
        | Q(entry__reference__startswith=REVERSAL_REFERENCE),
        ~_PAID,
    )
    if not scope.is_whole:  # few: named one by one, an index finds them
        kinds = (REFERENCE, REVERSAL_REFERENCE)
        named = [f"{kind}{number}" for number in receipts for kind in kinds]
        lines = lines.filter(entry__reference__in=named)
    left = (
        lines.annotate(receipt=receipt)
        .filter(receipt__in=receipts)
        .order_by()
        .values_list("receipt", "account__code", "currency")
        .annotate(total=Sum("amount_minor"))
        .exclude(total=0)
    )
    for receipt_number, account, currency, total in left.iterator():
        yield f"reversed sale {receipt_number} on {account}", currency, total, 0


@proof("an entry of a reversal belongs to one")
def entries_have_reversals(scope: Scope) -> Iterator[Finding]:
    """Yield what entries say was given back for a sale that was not reversed."""
    lines = (
        scope.new(Line.objects.filter(_PAID, entry__reference__startswith=REVERSAL_REFERENCE))
        .annotate(receipt=Substr("entry__reference", len(REVERSAL_REFERENCE) + 1))
        .filter(~Exists(Reversal.objects.filter(sale__receipt_number=OuterRef("receipt"))))
    )
    for line in lines.select_related("entry").iterator():
        yield line.entry.reference, line.currency, line.amount_minor, 0


@proof("a move takes no money and leaves none on the way")
def moves_add_up(_: Scope) -> Iterator[Finding]:
    """Yield currencies in which something that was moved between sales did not arrive."""
    for account, minor in Reading().each(Account.objects.filter(code=chart.REALLOCATED)):
        if minor:
            yield "moved between sales", account.currency, minor, 0
