"""Proves that settlements agree with the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from headend.debts.queries import SETTLEMENT
from headend.ledger import chart
from headend.ledger.models import Account, Line
from headend.ledger.proofs import Finding, Scope, proof
from headend.ledger.sums import Reading
from headend.supply.models import ModeSwitch, Refund, Settlement, SettlementLine


@proof("a settlement's lines add up to nothing")
def lines_add_up(scope: Scope) -> Iterator[Finding]:
    """Yield settlements whose lines leave something, or say otherwise who owes how much."""
    kind = SettlementLine.Kind
    settlements = (
        scope.new(Settlement.objects.all())
        .select_related("closing")
        .annotate(
            left=Coalesce(Sum("lines__amount_minor"), 0),
            refunded=-Coalesce(Sum("lines__amount_minor", filter=Q(lines__kind=kind.REFUND)), 0),
            owed=Coalesce(Sum("lines__amount_minor", filter=Q(lines__kind=kind.OWED)), 0),
        )
    )
    for one in settlements.exclude(left=0).iterator():
        yield f"settlement {one}", one.currency, 0, one.left
    for one in settlements.exclude(refunded=F("refund_minor")).iterator():
        yield f"refund of settlement {one}", one.currency, one.refunded, one.refund_minor
    for one in settlements.exclude(owed=F("owed_minor")).iterator():
        yield f"owed by settlement {one}", one.currency, one.owed, one.owed_minor


@proof("a settlement's lines are in the ledger")
def lines_are_posted(_: Scope) -> Iterator[Finding]:
    """Yield accounts on which settlements' entries and settlements' lines differ."""
    posted = _totals(
        Line.objects.filter(entry__reference__startswith=f"{SETTLEMENT}:").values_list(
            "account__code", "currency"
        )
    )
    told = _totals(SettlementLine.objects.values_list("account", "settlement__currency"))
    for account, currency in sorted({*posted, *told}):
        figures = posted.get((account, currency), 0), told.get((account, currency), 0)
        if figures[0] != figures[1]:
            yield f"settlements on {account}", currency, *figures


@proof("what customers who left are owed is what was settled and not paid")
def refunds_follow(_: Scope) -> Iterator[Finding]:
    """Yield currencies in which unpaid refunds are not the balance of their account."""
    settled = _totals(Settlement.objects.values_list("currency"), "refund_minor")
    paid = _totals(Refund.objects.values_list("settlement__currency"))
    yield from _against(
        chart.REFUNDS,
        {key: settled.get(key, 0) - paid.get(key, 0) for key in {*settled, *paid}},
        "refunds not paid out",
    )


@proof("no account stays half settled")
def closings_are_empty(_: Scope) -> Iterator[Finding]:
    """Yield what is left on the account that settlements only pass through."""
    yield from _against(chart.CLOSINGS, {}, "accounts half settled")


@proof("what was credited to bills is on their account")
def bills_follow(_: Scope) -> Iterator[Finding]:
    """Yield currencies in which credit handed over to billing is not the account's balance."""
    credited = _totals(ModeSwitch.objects.values_list("currency"), "credited_minor")
    yield from _against(chart.BILLING, credited, "credit handed over to bills")


def _against(account: str, told: dict[tuple[str, ...], int], what: str) -> Iterator[Finding]:
    held = Reading().each(Account.objects.filter(code=account))
    posted = {(one.currency,): minor for one, minor in held}
    for key in sorted({*posted, *told}):
        if -posted.get(key, 0) != told.get(key, 0):
            yield what, key[0], -posted.get(key, 0), told.get(key, 0)


def _totals(rows: QuerySet[Any, Any], amount: str = "amount_minor") -> dict[tuple[str, ...], int]:
    return {tuple(key): total or 0 for *key, total in rows.order_by().annotate(total=Sum(amount))}
