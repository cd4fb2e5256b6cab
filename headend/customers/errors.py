"""Refusals of the customer register."""

from headend.config.errors import Refusal


class NoSupplyAgreement(Refusal):
    """The meter serves nobody at that time."""

    code = "no_supply_agreement"


class InvalidAgreement(Refusal):
    """The agreement can't be: the meter serves somebody, or the dates are impossible."""

    code = "agreement_invalid"


class InvalidThreshold(Refusal):
    """No low-credit threshold can be that high."""

    code = "low_credit_threshold_invalid"


class InvalidCustomer(Refusal):
    """A detail of the customer makes no sense, or belongs to another one."""

    code = "customer_invalid"
