"""Proves that debts' balances equal their ledger accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Exists,
    OuterRef,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Concat, Substr

from headend.debts.models import Debt
from headend.ledger.models import Account
from headend.ledger.proofs import Finding, Scope, proof
from headend.ledger.sums import Reading

_BRANCH = "debts."
_CODE = Concat(Value(_BRANCH), Cast("pk", CharField()), output_field=CharField())
_DEBT = Cast(Substr("code", len(_BRANCH) + 1), BigIntegerField())


@proof("a debt's balance is its account's")
def balances_follow(_: Scope) -> Iterator[Finding]:
    """Yield debts whose balance is not that of their account."""
    kept = Debt.objects.filter(pk=OuterRef("debt"), currency=OuterRef("currency"))
    accounts = _accounts().annotate(
        owed_minor=Subquery(kept.values("balance_minor"), output_field=BigIntegerField())
    )
    for account, total_minor in Reading().each(accounts.filter(owed_minor__isnull=False)):
        if total_minor != account.owed_minor:
            yield f"debt {account.debt}", account.currency, total_minor, account.owed_minor
    account = Account.objects.filter(code=OuterRef("code"), currency=OuterRef("currency"))
    without = Debt.objects.exclude(balance_minor=0).alias(code=_CODE).filter(~Exists(account))
    for debt in without.iterator():
        yield f"debt {debt.pk}", debt.currency, 0, debt.balance_minor


@proof("an account of a debt belongs to one")
def accounts_have_debts(_: Scope) -> Iterator[Finding]:
    """Yield accounts of debts that do not exist and hold money."""
    debt = Debt.objects.filter(pk=OuterRef("debt"), currency=OuterRef("currency"))
    for account, total_minor in Reading().each(_accounts().filter(~Exists(debt))):
        if total_minor:
            yield f"account {account.code}", account.currency, total_minor, 0


def _accounts() -> Any:
    """Accounts of debts with the `debt` that each is of, by its code."""
    return Account.objects.filter(code__startswith=_BRANCH).annotate(debt=_DEBT)
