"""Proves that what debts say is owed is what their accounts in the ledger say."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import BigIntegerField, CharField, F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Concat

from headend.debts.models import Debt
from headend.ledger.models import Account, Line
from headend.ledger.proofs import Finding, proof

_ACCOUNT = Concat(Value("debts."), Cast("pk", CharField()), output_field=CharField())


@proof("a debt's balance is its account's")
def balances_follow() -> Iterator[Finding]:
    """Yield debts whose balance is not that of their account."""
    lines = Line.objects.filter(
        account__code=OuterRef("code"), account__currency=OuterRef("currency")
    )
    total = lines.order_by().values("account").annotate(total=Sum("amount_minor"))
    debts = Debt.objects.annotate(code=_ACCOUNT).annotate(
        ledger_minor=Coalesce(Subquery(total.values("total"), output_field=BigIntegerField()), 0)
    )
    for debt in debts.exclude(ledger_minor=F("balance_minor")).iterator():
        yield f"debt {debt.pk}", debt.currency, debt.ledger_minor, debt.balance_minor


@proof("an account of a debt belongs to one")
def accounts_have_debts() -> Iterator[Finding]:
    """Yield accounts of debts that do not exist and hold money."""
    accounts = (
        Account.objects.filter(code__startswith="debts.")
        .exclude(code__in=Debt.objects.annotate(code=_ACCOUNT).values("code"))
        .annotate(total=Coalesce(Sum("lines__amount_minor"), 0))
        .exclude(total=0)
    )
    for account in accounts:
        yield f"account {account.code}", account.currency, account.total, 0
