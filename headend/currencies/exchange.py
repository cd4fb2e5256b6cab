"""Ledger postings for foreign money, which pass through an exchange account.

What was taken stands in the drawer in its own currency; the account of exchange owes it there
and holds the worth in the base currency, of which the sale is made. So every entry adds up to
zero in each currency, and no line tells an amount in two.
"""

from __future__ import annotations

from headend.ledger import chart
from headend.ledger.services import Posting


def postings(
    cash: str, *, paid_minor: int, currency: str, worth_minor: int, base_currency: str
) -> list[Posting]:
    """Return what taking money in another currency posts; the rest of the entry is its worth.

    Args:
        cash: the account that the money goes to.
        paid_minor: in minor units of `currency`; negative if it is given back.
        currency: in which it is.
        worth_minor: in minor units of the base currency, of the same sign.
        base_currency: the base currency.
    """
    account = chart.exchange_account(currency)
    return [
        Posting(cash, paid_minor, currency),
        Posting(account, -paid_minor, currency),
        Posting(account, worth_minor, base_currency),
    ]
