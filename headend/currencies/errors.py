"""Refusals about foreign money, each with a stable code."""

from headend.config.errors import Refusal


class CurrencyNotAccepted(Refusal):
    """The utility takes no money in that currency."""

    code = "currency_not_accepted"


class NoRateInForce(Refusal):
    """No exchange rate of that currency holds at that time yet."""

    code = "no_rate_in_force"


class RateTooOld(Refusal):
    """The latest exchange rate began longer ago than a rate of that currency may be used."""

    code = "rate_too_old"


class AmountWorthless(Refusal):
    """The money is nothing, or worth less than the base currency's smallest unit."""

    code = "amount_worthless"


class BaseCurrencyOnly(Refusal):
    """Whoever sells there takes the base currency only."""

    code = "base_currency_only"


class InvalidCurrency(Refusal):
    """There is no such currency, or it is the base one."""

    code = "currency_invalid"


class InvalidRate(Refusal):
    """The rate has impossible values, begins in the past or when another one does."""

    code = "rate_invalid"
