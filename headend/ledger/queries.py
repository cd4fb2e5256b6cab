"""Sums over the ledger: balances, the trial balance and an account's statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, Count, F, Q, QuerySet, Sum, Value, When

from headend.ledger import chart
from headend.ledger.models import Account
from headend.ledger.movements import Movements
from headend.ledger.sums import Reading, Sums


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
    lines: Movements  # oldest first, each with its entry and `balance_minor` after it
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
    reading = Reading(until=until)
    found: dict[tuple[str, str, str], tuple[int, int]] = {
        tuple(key): (int(total or 0), accounts)
        for *key, total, accounts in Account.objects.order_by()
        .annotate(shown=_shown_as("code", collapsed=collapsed), kept=reading.kept_minor())
        .values_list("shown", "currency", "kind")
        .annotate(total=Sum("kept"), accounts=Count("kept"))
    }
    for account, kept_lines, moved in reading.moved_accounts():
        shown = chart.shown_as(account.code) if collapsed else account.code
        total, accounts = found.get((shown, account.currency, account.kind), (0, 0))
        became_used = bool(kept_lines + moved.lines) - bool(kept_lines)
        found[shown, account.currency, account.kind] = (
            total + moved.balance_minor,
            accounts + became_used,
        )
    return [
        Balance(*key, total, accounts)
        for key, (total, accounts) in sorted(found.items())
        if accounts
    ]


def _shown_as(code: str, *, collapsed: bool) -> F | Case:
    """Return what `chart.shown_as` does, for the database; the code itself if not collapsed."""
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


def accounts_of(branch: str) -> QuerySet[Account]:
    """Return the accounts of a branch of the chart, oldest first."""
    return Account.objects.filter(code__startswith=f"{branch}.").order_by("id")


def balances(accounts: Iterable[Account], *, until: datetime | None = None) -> list[Balance]:
    """Return what is in each of some accounts, in their order.

    Args:
        accounts: those of a page, or few.
        until: only entries before this instant; None: all.
    """
    wanted = list(accounts)
    sums = Reading(until=until).by_account([one.pk for one in wanted])
    return [
        Balance(one.code, one.currency, one.kind, sums.get(one.pk, Sums()).balance_minor)
        for one in wanted
    ]


def currencies() -> set[str]:
    """Return the currencies in which there is any account."""
    return set(Account.objects.order_by().values_list("currency", flat=True).distinct())


def balance_minor(code: str, currency: str) -> int:
    """Return an account's debits less its credits, with all accounts under it, in minor units."""
    under = Q(code=code) | Q(code__startswith=f"{code}.")
    return Reading().balance_minor(Account.objects.filter(under, currency=currency))


def statement(
    account: Account, *, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """Return the movements of an account in a half-open period.

    Args:
        account: whose.
        since: entries from this instant on; None: from the beginning.
        until: entries before this instant; None: to the end.
    """
    lines = Movements(account, since=since, until=until)
    return Statement(
        account=account,
        opening_minor=lines.opening.balance_minor,
        lines=lines,
        debits_minor=lines.within.debits_minor,
        credits_minor=lines.within.credits_minor,
    )
