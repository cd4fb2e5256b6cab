"""Guards the utility's cash: no more leaves the safe or the tills than they hold.

A balance below zero would mean that somebody holds cash that never existed. So whatever takes
cash (floats of drawers, refunds, sales taken back without a shift, what is brought or sold to the
bank) checks here first.
"""

from __future__ import annotations

from headend.config.errors import Refusal
from headend.design import figures
from headend.ledger import chart
from headend.ledger.models import Account
from headend.ledger.sums import Reading


class SafeTooLow(Refusal):
    """More cash is to be taken out of the safe than the ledger has there."""

    code = "safe_too_low"


class TillsTooLow(Refusal):
    """More cash is to be taken than was sold for without a shift."""

    code = "tills_too_low"


class BankTooLow(Refusal):
    """More of a currency is to be taken out of the utility's account than the ledger has there."""

    code = "bank_too_low"


_REFUSALS: dict[str, tuple[type[Refusal], str, str]] = {
    chart.CASH_IN_SAFE: (
        SafeTooLow,
        "the safe does not hold",
        "enter cash that was fetched from the bank, or close the shifts whose cash goes into it",
    ),
    chart.CASH_AT_TILLS: (
        TillsTooLow,
        "the tills without shifts do not hold",
        "cash of shifts is in drawers and the safe; take it from there, or in a shift of your own",
    ),
    chart.BANK: (
        BankTooLow,
        "the account at the bank does not hold",
        "enter what was paid into it under Payments at the bank",
    ),
}


def check(account: str, amount_minor: int, currency: str) -> None:
    """Refuse what a place does not hold; it changes nothing and holds up nobody.

    Args:
        account: the safe, the tills without shifts (not the drawers under those), or the bank.
        amount_minor: what is to be taken, in minor units, >= 0.
        currency: in which; cash of one does not stand in for another.

    Raises:
        SafeTooLow, TillsTooLow, BankTooLow: there is less.
    """
    place = Account.objects.filter(code=account, currency=currency)
    held_minor = Reading().balance_minor(place)
    if held_minor >= amount_minor:
        return
    refusal, what, remedy = _REFUSALS[account]
    asked, held = (figures.money(one, currency=currency) for one in (amount_minor, held_minor))
    raise refusal(f"{what} {asked}, but {held}; {remedy}")


def require(account: str, amount_minor: int, currency: str) -> None:
    """Refuse what a place does not hold, and keep others from taking it until the commit.

    Call it in the transaction that posts the entry, before the entry. What comes in meanwhile
    waits for nothing. Args and Raises: as `check`.
    """
    rows = Account.objects.filter(code=account, currency=currency)
    list(rows.select_for_update(no_key=True))
    check(account, amount_minor, currency)
