"""Proves that vendors' purses, purchases and earnings agree with the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import (
    BigIntegerField,
    CharField,
    Exists,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat

from headend.ledger import chart
from headend.ledger.models import Account, Line
from headend.ledger.proofs import Finding, Scope, proof
from headend.ledger.sums import Reading
from headend.vendors.models import OtherCash, Purchase, Purse, Shift, Vendor
from headend.vendors.purchases import PURCHASE

_WALLET = Concat(Value("wallets."), Cast("pk", CharField()), output_field=CharField())


@proof("what a vendor may sell for is its wallet and credit limit")
def purses_follow(_: Scope) -> Iterator[Finding]:
    """Yield vendors whose purses hold something else than their account and their limit."""
    purses = Purse.objects.filter(vendor=OuterRef("pk")).order_by().values("vendor")
    vendors = Vendor.objects.select_related("contract").annotate(
        kept_minor=_sum(purses.annotate(total=Sum("available_minor")))
    )
    wallets = {(one.code, one.currency): -minor for one, minor in Reading().each(_wallets())}
    for vendor in vendors.iterator():
        limit_minor = vendor.contract.credit_limit_minor if vendor.contract else 0
        ledger_minor = wallets.get((vendor.wallet, vendor.currency), 0) + limit_minor
        if vendor.kept_minor != ledger_minor:
            yield f"wallet of {vendor}", vendor.currency, ledger_minor, vendor.kept_minor


@proof("a wallet belongs to a vendor")
def wallets_have_vendors(_: Scope) -> Iterator[Finding]:
    """Yield accounts of wallets of vendors that do not exist and hold money."""
    vendors = Vendor.objects.alias(code=_WALLET).filter(code=OuterRef("code"))
    for account, total_minor in Reading().each(_wallets().filter(~Exists(vendors))):
        if total_minor:
            yield f"account {account.code}", account.currency, total_minor, 0


def _wallets() -> QuerySet[Account]:
    return Account.objects.filter(code__startswith="wallets.")


@proof("credit that vendors bought is in the ledger once")
def purchases_are_posted(scope: Scope) -> Iterator[Finding]:
    """Yield purchases whose credit is not what their entry put in the wallet."""
    reference = Concat(Value(PURCHASE), Cast(OuterRef("pk"), CharField()))
    lines = Line.objects.filter(account__code__startswith="wallets.", entry__reference=reference)
    credit = lines.order_by().values("entry__reference").annotate(total=-Sum("amount_minor"))
    purchases = (
        scope.new(Purchase.objects.all()).select_related("vendor").annotate(posted=_sum(credit))
    )
    for purchase in purchases.exclude(posted=F("credit_minor")).iterator():
        yield (
            f"purchase {purchase}",
            purchase.vendor.currency,
            purchase.posted,
            purchase.credit_minor,
        )


@proof("the cash in a drawer is that of its shift")
def drawers_follow(_: Scope) -> Iterator[Finding]:
    """Yield drawers of the utility in which the ledger has other cash than their shift."""
    drawers = Account.objects.filter(code__startswith=f"{chart.CASH_AT_TILLS}.")
    told = {(one.code, one.currency): minor for one, minor in Reading().each(drawers)}
    running = Shift.objects.exclude(state=Shift.CLOSED).filter(vendor=None)
    kept = {
        (chart.drawer_account(one.till_id), one.currency): one.expected_minor for one in running
    }
    for cash in OtherCash.objects.filter(shift__in=running).select_related("shift"):
        kept[chart.drawer_account(cash.shift.till_id), cash.currency] = cash.expected_minor
    for code, currency in sorted({*told, *kept}):
        figures = told.get((code, currency), 0), kept.get((code, currency), 0)
        if figures[0] != figures[1]:
            yield f"drawer of till {code.rpartition('.')[2]}", currency, *figures


def _sum(rows: object) -> Coalesce:
    return Coalesce(Subquery(rows.values("total"), output_field=BigIntegerField()), 0)  # type: ignore[attr-defined]
