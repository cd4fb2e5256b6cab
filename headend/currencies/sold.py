"""Money in another currency that the bank bought: what it stood at, and what was gained or lost.

The bank tells of a payment in the base currency. Two people say that it is for so much of another
currency out of the safe, of the tills without shifts, or of the utility's own account in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from headend.config import iso4217
from headend.config.exact import Fraction
from headend.currencies import conversion, queries
from headend.currencies.errors import InvalidCurrency
from headend.currencies.models import Currency, SoldCash, plain
from headend.design import figures
from headend.ledger import cash, chart, suspense
from headend.ledger import queries as ledger
from headend.ledger.models import Account, BankPayment
from headend.ledger.services import Posting

# By the name of the destination: the account that the money comes from, and what people call it.
PLACES = {
    "sold_safe": (chart.CASH_IN_SAFE, "the safe"),
    "sold_tills": (chart.CASH_AT_TILLS, "sales without a shift"),
    "sold_account": (chart.BANK, "the account in that currency"),
}
_SHAPE = re.compile(r"([A-Z]{3})([0-9]{1,12})(?:[.,]([0-9]+))?", re.ASCII)
_SHOWN_DECIMALS = 6  # of the rate at which the bank bought


@dataclass(frozen=True)
class Held:
    """What sales took in a currency and was not given back or sold yet, as the ledger has it."""

    currency: str
    held_minor: int  # below 0: more was sold or given back than sales took
    worth_minor: int  # in the base currency, at the rates of those sales


def held(currency: str) -> Held:
    """Return what is there of a currency, and at how much of the base currency it stands."""
    account = chart.exchange_account(currency)
    return Held(
        currency,
        -ledger.balance_minor(account, currency),
        ledger.balance_minor(account, settings.BASE_CURRENCY),
    )


def worth_of(sold_minor: int, there: Held, *, fetched_minor: int) -> int:
    """Return at what money that is sold stands: its share of all that is there.

    What is sold above that (fetched from the bank, or found over when it was counted) stands at
    what it fetches, so that nothing is gained or lost on it.

    Args:
        sold_minor: in minor units of its currency, > 0.
        there: of that currency.
        fetched_minor: what the bank gives for it, in minor units of the base currency, > 0.

    Returns:
        int: in minor units of the base currency, rounded half up.
    """
    if there.held_minor <= 0:
        return fetched_minor
    if sold_minor <= there.held_minor:
        return _half_up(Fraction(there.worth_minor * sold_minor, there.held_minor))
    above_minor = sold_minor - there.held_minor
    return there.worth_minor + _half_up(Fraction(fetched_minor * above_minor, sold_minor))


def read_money(text: str) -> tuple[str, int]:
    """Read "USD 120.00": the currency, and the amount in its minor units.

    Raises:
        InvalidCurrency: it says something else, or more decimals than the currency has.
    """
    shape = _SHAPE.fullmatch(re.sub(r"\s", "", text.upper()))
    digits = iso4217.decimals(shape[1]) if shape else 0
    if shape is None or len(shape[3] or "") > digits:
        raise InvalidCurrency(f"{text!r} is no money; write what was sold as USD 120.00")
    amount_minor = int(shape[2] + (shape[3] or "").ljust(digits, "0"))
    if not 0 < amount_minor <= suspense.LARGEST_MINOR:
        raise InvalidCurrency(f"{text!r} is not what anybody sells")
    return shape[1], amount_minor


def _half_up(exact: Fraction) -> int:
    return (exact + Fraction(1, 2)).__floor__()


def _destination(
    place: str, called: str
) -> tuple[Callable[[BankPayment, str], str], Callable[[BankPayment, str], list[Posting]]]:
    """Return what asks for, and what takes, money of a place that the bank bought."""

    def check(payment: BankPayment, names: str) -> str:
        currency, amount_minor = _asked(payment, names)
        cash.check(place, amount_minor, currency.code)
        return (
            f"{figures.money(amount_minor, currency=currency.code)} from {called}, sold to the "
            f"bank at {_rate(payment, currency, amount_minor)}"
        )

    def accept(payment: BankPayment, names: str) -> list[Posting]:
        currency, amount_minor = _asked(payment, names)
        cash.require(place, amount_minor, currency.code)
        account, base = chart.exchange_account(currency.code), payment.currency
        # One after the other, whichever place it is from: each takes its share of what is left.
        list(Account.objects.select_for_update(no_key=True).filter(code=account, currency=base))
        sold = SoldCash.objects.create(
            payment=payment,
            currency=currency,
            place=place,
            amount_minor=amount_minor,
            worth_minor=worth_of(
                amount_minor, held(currency.code), fetched_minor=payment.amount_minor
            ),
        )
        return [
            Posting(place, -amount_minor, currency.code),
            Posting(account, amount_minor, currency.code),
            Posting(account, -sold.worth_minor, base),
            Posting(chart.EXCHANGE_DIFFERENCES, -sold.gained_minor, base),
        ]

    return check, accept


def _asked(payment: BankPayment, names: str) -> tuple[Currency, int]:
    code, amount_minor = read_money(names)
    if payment.currency != settings.BASE_CURRENCY:
        raise InvalidCurrency(
            f"{payment} is in {payment.currency}; what is sold is paid for in "
            f"{settings.BASE_CURRENCY}"
        )
    currency = Currency.objects.filter(code=code).first()
    if currency is None:
        raise InvalidCurrency(f"{code} is none of the other currencies here")
    return currency, amount_minor


def _rate(payment: BankPayment, currency: Currency, amount_minor: int) -> str:
    """Return in words what the bank gave for one unit, and how far that is from our own rate."""
    digits = settings.BASE_CURRENCY_MINOR_DIGITS
    one_minor = conversion.worth(
        amount_minor,
        ratio=Fraction(1),
        digits=iso4217.decimals(currency.code),
        base_digits=digits,
    )
    given = Fraction(payment.amount_minor) / one_minor
    shown = Decimal(_half_up(given * 10**_SHOWN_DECIMALS)).scaleb(-_SHOWN_DECIMALS)
    said = f"1 {currency} = {plain(shown)} {payment.currency}"
    last = queries.newest_rate(currency, at=payment.entered_at)
    if last is None:
        return said
    by_percent = float(given / last.ratio - 1) * 100
    return f"{said} ({by_percent:+.2f} % to {last.words})"


for _name, (_place, _called) in PLACES.items():
    suspense.destination(
        _name,
        suspense.Destination(
            f"Sold to the bank: money in another currency from {_called}",
            "what was sold, as USD 120.00",
            *_destination(_place, _called),
        ),
    )
