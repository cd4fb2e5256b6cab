"""Sums over the ledger: balances, the trial balance and an account's statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce

from headend.ledger import chart
from headend.ledger.models import Account, Line


@dataclass(frozen=True)
class Balance:
    """What is in one account: debits less credits."""

    code: str
    currency: str
    kind: str
    amount_minor: int
    accounts: int = 1  # how many accounts this is the sum of

    @property
    def name(self) -> str:
        """What people call the account."""
        return chart.name(self.code)

    @property
    def debit_minor(self) -> int | None:
        """The balance if it stands on the debit side."""
        return self.amount_minor if self.amount_minor >= 0 else None

    @property
    def credit_minor(self) -> int | None:
        """The balance without its sign if it stands on the credit side."""
        return -self.amount_minor if self.amount_minor < 0 else None


@dataclass(frozen=True)
class Group:
    """The accounts of one kind in one currency, and what they add up to on either side."""

    kind: chart.Kind
    balances: list[Balance]

    @property
    def debits_minor(self) -> int:
        """What stands on the debit side."""
        return sum(one.debit_minor or 0 for one in self.balances)

    @property
    def credits_minor(self) -> int:
        """What stands on the credit side, without sign."""
        return sum(one.credit_minor or 0 for one in self.balances)


@dataclass(frozen=True)
class Statement:
    """An account's movements in a period, from its opening to its closing balance."""

    account: Account
    opening_minor: int
    lines: QuerySet[Any]  # of Line, oldest first, each with its entry and `balance_minor` after it
    debits_minor: int
    credits_minor: int  # without sign

    @property
    def closing_minor(self) -> int:
        """The balance at the end of the period."""
        return self.opening_minor + self.debits_minor - self.credits_minor


def trial_balance(*, until: datetime | None = None, collapsed: bool = False) -> list[Balance]:
    """Return the balance of every account that was ever used, by code; they add up to zero.

    Args:
        until: only entries before this instant; None: all.
        collapsed: each branch with an account for every debt or vendor is one balance.
    """
    lines = Line.objects.order_by()
    if until is not None:
        lines = lines.filter(entry__at__lt=until)
    rows = (
        lines.annotate(code=_shown_as("account__code", collapsed=collapsed))
        .values_list("code", "account__currency", "account__kind")
        .annotate(total=Sum("amount_minor"))
    )
    # Counted among the accounts: to count what differs among all lines they would be sorted.
    used = Account.objects.filter(Exists(lines.filter(account=OuterRef("pk")))).order_by()
    counted = (
        used.annotate(shown=_shown_as("code", collapsed=collapsed))
        .values_list("shown", "currency", "kind")
        .annotate(accounts=Count("pk"))
    )
    accounts = {tuple(key): number for *key, number in counted}
    return [
        Balance(code, currency, kind, total, accounts[code, currency, kind])
        for code, currency, kind, total in sorted(rows)
    ]


def _shown_as(code: str, *, collapsed: bool) -> F | Case:
    """Return as what an account is shown, by the column of its code: itself, or its branch."""
    if not collapsed:
        return F(code)
    return Case(
        *(
            When(**{f"{code}__startswith": f"{branch}."}, then=Value(branch))
            for branch in chart.SUBLEDGERS
        ),
        default=F(code),
        output_field=CharField(),
    )


def by_kind(balances: Iterable[Balance]) -> list[Group]:
    """Return the balances of one currency as a trial balance shows them: assets first."""
    found: dict[str, list[Balance]] = defaultdict(list)
    for one in balances:
        found[one.kind].append(one)
    return [Group(kind, found[kind]) for kind in chart.Kind if kind in found]


def accounts_of(branch: str, *, until: datetime | None = None) -> QuerySet[Any]:
    """Return the accounts of a branch of the chart, oldest first, each with `balance_minor`."""
    lines = Line.objects.filter(account=OuterRef("pk")).order_by().values("account")
    if until is not None:
        lines = lines.filter(entry__at__lt=until)
    total = lines.annotate(total=Sum("amount_minor")).values("total")
    # Added up for the accounts of a page only, not for all to take some of them.
    balance_minor = Coalesce(Subquery(total, output_field=BigIntegerField()), 0)
    accounts = Account.objects.filter(code__startswith=f"{branch}.")
    return accounts.annotate(balance_minor=balance_minor).order_by("id")


def balance_minor(code: str, currency: str) -> int:
    """Return an account's debits less its credits, with all accounts under it, in minor units."""
    under = Q(account__code=code) | Q(account__code__startswith=f"{code}.")
    lines = Line.objects.filter(under, account__currency=currency)
    return int(lines.aggregate(total=Sum("amount_minor"))["total"] or 0)


def statement(
    account: Account, *, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """Return the movements of an account in a half-open period.

    Args:
        account: whose.
        since: entries from this instant on; None: from the beginning.
        until: entries before this instant; None: to the end.
    """
    lines = account.lines.all()
    opening_minor = 0
    if since is not None:
        before = lines.filter(entry__at__lt=since)
        opening_minor = before.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"]
        lines = lines.filter(entry__at__gte=since)
    if until is not None:
        lines = lines.filter(entry__at__lt=until)
    sums = {
        side: lines.filter(**condition).aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"]
        for side, condition in (
            ("debits", {"amount_minor__gt": 0}),
            ("credits", {"amount_minor__lt": 0}),
        )
    }
    order = (F("entry__at").asc(), F("id").asc())
    running = Window(Sum("amount_minor"), order_by=order) + Value(opening_minor)
    return Statement(
        account=account,
        opening_minor=opening_minor,
        lines=lines.select_related("entry").annotate(balance_minor=running).order_by(*order),
        debits_minor=sums["debits"],
        credits_minor=-sums["credits"],
    )
