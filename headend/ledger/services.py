"""Posts entries to the ledger; nothing else writes to it."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.db import transaction

from headend.config import batches, prepared, statements, writing
from headend.config.errors import Refusal
from headend.ledger import chart
from headend.ledger.models import Account, Entry, Line

_MOST_KNOWN = 10_000
_known: dict[tuple[str, str], int] = {}
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class UnbalancedEntry(Refusal):
    """The lines of an entry do not add up to zero in each currency."""

    code = "unbalanced_entry"


@dataclass(frozen=True)
class Posting:
    """One line to be posted: a debit if positive, a credit if negative."""

    account: str
    amount_minor: int
    currency: str


def post(
    *,
    at: datetime,
    description: str,
    reference: str,
    postings: Sequence[Posting],
    opens: str = "",
) -> Entry:
    """Write one balanced entry.

    Args:
        at: when the money moved.
        description: what happened, for a person.
        reference: what it belongs to, for example "sale:261121-7K3F9QXM".
        postings: its lines; those of nothing are left out.
        opens: an account that can't be there yet, since what it is of is just being made.

    Raises:
        UnbalancedEntry: they do not add up to zero in each currency, or there are none.
    """
    postings = [posting for posting in postings if posting.amount_minor]
    _require_balance(postings)
    entry = writing.new(Entry, id=_new_id(), at=at, description=description, reference=reference)
    # Without a savepoint of its own: an entry that the database refuses fails the whole sale.
    with transaction.atomic(savepoint=False):
        accounts = _accounts(
            {(posting.account, posting.currency) for posting in postings}, opens=opens
        )
        # Lines first: the entry's trigger adds them up, and their deferred foreign key makes a
        # commit without the entry impossible.
        lines = [
            writing.new(
                Line,
                entry_id=entry.id,
                account_id=accounts[posting.account, posting.currency],
                amount_minor=posting.amount_minor,
                currency=posting.currency,
            )
            for posting in postings
        ]
        writing.save(*lines)
        writing.save(entry)
    return entry


def _require_balance(postings: Sequence[Posting]) -> None:
    sums: defaultdict[str, int] = defaultdict(int)
    for posting in postings:
        sums[posting.currency] += posting.amount_minor
    wrong = {currency: amount for currency, amount in sums.items() if amount}
    if wrong or not postings:
        raise UnbalancedEntry(f"the lines of an entry must add up to zero; they leave {wrong}")


def _accounts(wanted: set[tuple[str, str]], *, opens: str) -> dict[tuple[str, str], int]:
    """Return the ids of accounts by (code, currency), opening those that are new.

    An account never changes, so each process keeps the ids of those that it saw committed. In a
    batch, whose new accounts nobody can find yet, each is looked for once.
    """
    known = {each: _known[each] for each in wanted if each in _known}
    if len(known) == len(wanted):
        return known
    new = {each for each in wanted if each[0] == opens}
    if batches.current() is None:
        found = _found_or_opened(wanted, new)
    else:
        found = known
        for each in wanted - known.keys():
            find = partial(_found_or_opened, {each}, new & {each})
            found |= batches.remember((_accounts, each), find)
    transaction.on_commit(partial(_keep, found))
    return found


def _found_or_opened(
    wanted: set[tuple[str, str]], new: set[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    found = _find(wanted - new)
    missing = wanted - found.keys()
    return found | _open(missing) if missing else found


def _open(missing: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Return the ids of accounts that were not there; others may open them at the same moment."""
    made = [
        Account(code=code, currency=currency, kind=chart.kind(code))
        for code, currency in sorted(missing)
    ]
    if batches.current() is None:
        Account.objects.bulk_create(made, ignore_conflicts=True)
        return _find(missing)
    for account in made:
        batches.save(account)
    return {(account.code, account.currency): account.pk for account in made}


def _keep(found: dict[tuple[str, str], int]) -> None:
    if len(_known) > _MOST_KNOWN:  # each debt and vendor has accounts of its own
        _known.clear()
    _known.update(found)


def forget_accounts() -> None:
    """Forget all ids: for tests, whose accounts go away."""
    _known.clear()


def _find(wanted: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    with prepared.ahead(*((statements.ACCOUNT, *each) for each in sorted(wanted))):
        found = {each: prepared.rows(statements.ACCOUNT, *each) for each in wanted}
    return {each: rows[0][0] for each, rows in found.items() if rows}


def _new_id() -> int:
    """Return an id that rises with time and is unique across processes without asking anyone.

    32 bits of seconds since 2020 and 31 random bits fill a positive 64-bit integer; a clash,
    should it happen, is refused by the primary key.
    """
    seconds = int((datetime.now(UTC) - _EPOCH).total_seconds())
    return (seconds << 31) | secrets.randbits(31)
