"""The lines of an account in a period, each with the balance after it, to be paged through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, overload

from django.db.models import F, QuerySet, Sum

from headend.ledger.models import Account, Line
from headend.ledger.sums import Reading, Sums

_ORDER = (F("entry__at").asc(), F("id").asc())
_BACKWARDS = (F("entry__at").desc(), F("id").desc())


class Movements(Sequence[Any]):
    """Ledger lines, oldest first, each with its entry and `balance_minor` after it.

    What is on no page that is looked at is not added up line by line, so the last page of a long
    life is there as quickly as the first.

    Args:
        account: whose.
        since: entries from this instant on; None: from the beginning.
        until: entries before this instant; None: to the end.
        sign: 1 to show debits as they are, -1 if the account is somebody's credit.
        beside: what else each line gets, as annotations.

    Attributes:
        opening: everything before the period, as the ledger has it.
        within: everything in it.
    """

    def __init__(
        self,
        account: Account,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        sign: int = 1,
        beside: dict[str, Any] | None = None,
    ) -> None:
        self._account = account
        self._sign = sign
        self.opening = Sums() if since is None else Reading(until=since).sums(account.pk)
        if since is not None and until is not None and until <= since:
            self.within = Sums()
        else:
            self.within = Reading(until=until).sums(account.pk) - self.opening
        self._lines = within(account.lines.all(), since, until).select_related("entry")
        self._lines = self._lines.annotate(**beside or {})

    def __len__(self) -> int:
        return self.within.lines

    def __iter__(self) -> Iterator[Any]:
        lines = self._lines.order_by(*_ORDER).iterator()
        return self._balanced(lines, self.opening.balance_minor)

    @overload
    def __getitem__(self, wanted: int) -> Any: ...

    @overload
    def __getitem__(self, wanted: slice) -> list[Any]: ...

    def __getitem__(self, wanted: int | slice) -> Any:
        if isinstance(wanted, int):
            return self[wanted : wanted + 1 or None][0]
        start, stop, _ = wanted.indices(len(self))
        if start <= len(self) // 2:
            lines = list(self._lines.order_by(*_ORDER)[start : max(start, stop)])
        else:  # the database counts off what comes before: it begins at the nearer end
            first, last = len(self) - max(start, stop), len(self) - start
            lines = list(self._lines.order_by(*_BACKWARDS)[first:last])[::-1]
        return list(self._balanced(lines, self._before(lines[0]))) if lines else []

    def _before(self, line: Line) -> int:
        """Return the balance before a line."""
        at = line.entry.at
        sooner = self._account.lines.filter(entry__at=at, pk__lt=line.pk)
        minor = sooner.aggregate(total=Sum("amount_minor"))["total"] or 0
        return Reading(until=at).sums(self._account.pk).balance_minor + int(minor)

    def _balanced(self, lines: Iterable[Any], before_minor: int) -> Iterator[Any]:
        for line in lines:
            before_minor += line.amount_minor
            line.balance_minor = self._sign * before_minor
            yield line


def within(
    lines: QuerySet[Line], since: datetime | None, until: datetime | None
) -> QuerySet[Line]:
    """Narrow lines to those whose entries are dated in a half-open period."""
    if since is not None:
        lines = lines.filter(entry__at__gte=since)
    return lines if until is None else lines.filter(entry__at__lt=until)
