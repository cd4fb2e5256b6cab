"""What is in accounts as of a moment: what the nearest checkpoint keeps, and the lines between.

Every figure is exactly the sum of its lines. Checkpoints only save adding up the same lines again:
a figure costs the lines of about a day, not those since the beginning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from headend.ledger.models import Account, Checkpoint, KeptBalance, Line

_AT_ONCE = 1000  # accounts of one statement
_NAMED = 50  # accounts up to which the database is told their ids, which it plans better


@dataclass(frozen=True)
class Sums:
    """Lines of an account added up."""

    balance_minor: int = 0  # debits less credits
    credits_minor: int = 0  # without sign
    lines: int = 0

    @property
    def debits_minor(self) -> int:
        """What the debits add up to."""
        return self.balance_minor + self.credits_minor

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.balance_minor + other.balance_minor,
            self.credits_minor + other.credits_minor,
            self.lines + other.lines,
        )

    def __neg__(self) -> Sums:
        return Sums(-self.balance_minor, -self.credits_minor, -self.lines)

    def __sub__(self, other: Sums) -> Sums:
        return self + -other


_Accounts = QuerySet[Any] | list[int] | None  # which; None: all


class _Part(NamedTuple):
    """Lines that a checkpoint has too few (1) or too many (-1) for the moment."""

    sign: int
    which: Q


class Reading:
    """The accounts as of one moment.

    Args:
        until: only entries that are dated before this instant; None: all.
        up_to_line: only lines up to this number; None: all. Not with `until`.
    """

    def __init__(self, *, until: datetime | None = None, up_to_line: int | None = None) -> None:
        checkpoints = Checkpoint.objects.order_by("number")
        if up_to_line is not None:
            checkpoints = checkpoints.filter(last_line__lte=up_to_line)
        base = newest = checkpoints.last()
        rest = Q(pk__gt=newest.last_line if newest else 0)
        if up_to_line is not None:
            rest &= Q(pk__lte=up_to_line)
        self._parts = []
        if until is not None:
            rest &= Q(entry__at__lt=until)
            if newest is not None:
                known = checkpoints.filter(number__lte=newest.number)
                base = _nearest(known, until)
                self._parts = _parts(known, base, until)
        self._parts.append(_Part(1, rest))
        self._number = base.number if base else 0

    def balance_minor(self, accounts: QuerySet[Account]) -> int:
        """Return what is in some accounts together, debits less credits."""
        kept = accounts.order_by().aggregate(total=Sum(self.kept_minor()))["total"] or 0
        return int(kept) + sum(
            part.sign * int(lines.aggregate(total=Coalesce(Sum("amount_minor"), 0))["total"])
            for part, lines in self._moved(_named(accounts))
        )

    def sums(self, account_id: int) -> Sums:
        """Return the sums of one account."""
        return self.by_account([account_id]).get(account_id, Sums())

    def by_account(self, accounts: Iterable[int]) -> dict[int, Sums]:
        """Return the sums of accounts, by id; who has no lines is left out."""
        wanted = list(accounts)
        found = kept_at(self._number, wanted)
        for account_id, sums in self.moved(wanted).items():
            found[account_id] = found.get(account_id, Sums()) + sums
        return {account_id: sums for account_id, sums in found.items() if sums.lines}

    def each(self, accounts: QuerySet[Any]) -> Iterator[tuple[Any, int]]:
        """Yield the accounts of a query, each with its balance."""
        moved = self.moved(accounts.order_by().values("pk"))
        for account in accounts.annotate(kept_minor=self.kept_minor()).iterator():
            differs = moved.get(account.pk, Sums())
            yield account, (account.kept_minor or 0) + differs.balance_minor

    def kept_minor(self) -> Subquery:
        """Return what accounts of a query held at the checkpoint; null if they had no lines.

        Together with `moved` it is their balance.
        """
        return Subquery(_latest(self._number, OuterRef("pk")).values("balance_minor")[:1])

    def moved(self, accounts: _Accounts = None) -> dict[int, Sums]:
        """Return how accounts differ from what the checkpoint keeps, by id of those that may.

        Args:
            accounts: only these; None: all.
        """
        found: defaultdict[int, Sums] = defaultdict(Sums)
        for part, lines in self._moved(accounts):
            for account_id, sums in summed(lines).items():
                found[account_id] += sums if part.sign > 0 else -sums
        return dict(found)

    def moved_accounts(self) -> Iterator[tuple[Account, int, Sums]]:
        """Yield the accounts of `moved`, each with how many lines are kept and how it differs."""
        moved = self.moved()
        kept_lines = Subquery(_latest(self._number, OuterRef("pk")).values("lines")[:1])
        for some in _in_turn(moved):
            accounts = Account.objects.filter(pk__in=some).annotate(kept_lines=kept_lines)
            for account in accounts:
                yield account, account.kept_lines or 0, moved[account.pk]

    def _moved(self, accounts: _Accounts) -> Iterator[tuple[_Part, QuerySet[Line]]]:
        for part in self._parts:
            lines = Line.objects.filter(part.which)
            yield part, lines if accounts is None else lines.filter(account__in=accounts)


def summed(lines: QuerySet[Line]) -> dict[int, Sums]:
    """Return the sums of lines, by the id of their account."""
    rows = (
        lines.order_by()
        .values_list("account")
        .annotate(
            balance=Sum("amount_minor"),
            credits=Coalesce(Sum("amount_minor", filter=Q(amount_minor__lt=0)), 0),
            lines=Count("pk"),
        )
    )
    return {pk: Sums(int(balance), -int(out), count) for pk, balance, out, count in rows}


def kept_at(number: int, accounts: Iterable[int]) -> dict[int, Sums]:
    """Return what accounts held at a checkpoint, by id of those that had lines.

    Args:
        number: the checkpoint's; 0: before the first.
        accounts: their ids.
    """
    found: dict[int, Sums] = {}
    if not number:
        return found
    for some in _in_turn(accounts):
        latest = Account.objects.filter(pk__in=some).values_list(
            Subquery(_latest(number, OuterRef("pk")).values("pk")[:1])
        )
        for one in KeptBalance.objects.filter(pk__in=latest):
            found[one.account_id] = sums_of(one)
    return found


def sums_of(kept: KeptBalance) -> Sums:
    """Return the sums of a row."""
    return Sums(kept.balance_minor, kept.credits_minor, kept.lines)


def _in_turn(accounts: Iterable[int]) -> Iterator[list[int]]:
    wanted = list(accounts)
    return (wanted[begin : begin + _AT_ONCE] for begin in range(0, len(wanted), _AT_ONCE))


def _latest(number: int, account: Any) -> QuerySet[KeptBalance]:
    kept = KeptBalance.objects.filter(account=account, checkpoint__lte=number)
    return kept.order_by("-checkpoint")


def _nearest(checkpoints: QuerySet[Checkpoint], at: datetime) -> Checkpoint:
    """Return the one made nearest to an instant: the fewest lines are between them.

    If the clock was wrong it is not the best one; what `_parts` says makes up for it.
    """
    before = checkpoints.filter(made_at__lte=at).order_by("-made_at", "-number").first()
    after = checkpoints.filter(made_at__gt=at).order_by("made_at", "number").first()
    found = [one for one in (before, after) if one is not None]
    return min(found, key=lambda one: abs(one.made_at - at))


def _parts(checkpoints: QuerySet[Checkpoint], base: Checkpoint, until: datetime) -> list[_Part]:
    """Return which lines numbered up to the newest checkpoint differ from the base's.

    Those after it that are dated before the instant, and those up to it that are not: only
    checkpoints that have any are looked into, usually the one of that day.
    """
    later = checkpoints.filter(number__gt=base.number, first_at__lt=until)
    earlier = checkpoints.filter(number__lte=base.number, last_at__gte=until)
    return [
        # Both ends of the time are told, that an index can be used where they are close.
        *(
            _Part(1, _own(one) & Q(entry__at__gte=one.first_at, entry__at__lt=until))
            for one in later
        ),
        *(
            _Part(-1, _own(one) & Q(entry__at__gte=until, entry__at__lte=one.last_at))
            for one in earlier
        ),
    ]


def _own(checkpoint: Checkpoint) -> Q:
    return Q(pk__gt=checkpoint.after_line, pk__lte=checkpoint.last_line)


def _named(accounts: QuerySet[Account]) -> _Accounts:
    """Return the same accounts, as their ids if they are few."""
    found = list(accounts.order_by().values_list("pk", flat=True)[: _NAMED + 1])
    return found if len(found) <= _NAMED else accounts.order_by()
