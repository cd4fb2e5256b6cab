"""Proves that what was gained and lost on exchange is that of the money which the bank bought."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, Sum

from headend.currencies.models import SoldCash
from headend.ledger import chart
from headend.ledger.models import Account
from headend.ledger.proofs import Finding, Scope, proof
from headend.ledger.sums import Reading


@proof("gains and losses of exchange are of money that the bank bought")
def gains_follow(_: Scope) -> Iterator[Finding]:
    """Yield base currencies in which the account of differences has another sum."""
    accounts = Account.objects.filter(code=chart.EXCHANGE_DIFFERENCES)
    posted = {one.currency: minor for one, minor in Reading().each(accounts)}
    sold = SoldCash.objects.order_by().values_list("payment__currency")
    told = dict(sold.annotate(lost=Sum(F("worth_minor") - F("payment__amount_minor"))))
    for currency in sorted({*posted, *told}):
        figures = posted.get(currency, 0), told.get(currency, 0)
        if figures[0] != figures[1]:
            yield "lost less gained on exchange", currency, *figures
