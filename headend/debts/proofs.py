"""Proves that what debts say is owed is what their accounts in the ledger say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Exists,
    F,
    OuterRef,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Concat, Substr

from headend.debts.models import Debt
from headend.ledger.models import Account
from headend.ledger.proofs import Finding, proof

_BRANCH = "debts."
_CODE = Concat(Value(_BRANCH), Cast("pk", CharField()), output_field=CharField())
_DEBT = Cast(Substr("code", len(_BRANCH) + 1), BigIntegerField())


@proof("a debt's balance is its account's")
def balances_follow() -> Iterator[Finding]:
    """Yield debts whose balance is not that of their account.

    From the accounts to the debts: their lines are added up together, not debt by debt.
    """
    kept = Debt.objects.filter(pk=OuterRef("debt"), currency=OuterRef("currency"))
    accounts = _accounts().annotate(
        kept_minor=Subquery(kept.values("balance_minor"), output_field=BigIntegerField())
    )
    differ = accounts.filter(kept_minor__isnull=False).exclude(total=F("kept_minor"))
    for one in differ.values_list("debt", "currency", "total", "kept_minor").iterator():
        yield f"debt {one[0]}", *one[1:]
    account = Account.objects.filter(code=OuterRef("code"), currency=OuterRef("currency"))
    without = Debt.objects.exclude(balance_minor=0).alias(code=_CODE).filter(~Exists(account))
    for debt in without.iterator():
        yield f"debt {debt.pk}", debt.currency, 0, debt.balance_minor


@proof("an account of a debt belongs to one")
def accounts_have_debts() -> Iterator[Finding]:
    """Yield accounts of debts that do not exist and hold money."""
    debt = Debt.objects.filter(pk=OuterRef("debt"), currency=OuterRef("currency"))
    accounts = _accounts().filter(~Exists(debt)).exclude(total=0)
    for account in accounts.iterator():
        yield f"account {account.code}", account.currency, account.total, 0


def _accounts() -> Any:
    """Accounts of debts with the `debt` that each is of, by its code, and their `total`."""
    return Account.objects.filter(code__startswith=_BRANCH).annotate(
        debt=_DEBT, total=Coalesce(Sum("lines__amount_minor"), 0)
    )
