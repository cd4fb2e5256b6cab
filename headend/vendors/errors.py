"""Refusals of the services about vendors, each with a stable code."""

from headend.config.errors import Refusal


class InvalidVendor(Refusal):
    """A vendor, till or operator can't be entered as asked."""

    code = "vendor_invalid"


class InvalidContract(Refusal):
    """The terms of a contract make no sense."""

    code = "contract_invalid"


class InvalidPurchase(Refusal):
    """A purchase of credit can't be entered as asked."""

    code = "credit_purchase_invalid"


class PaymentReferenceTaken(Refusal):
    """Credit was given for this payment before."""

    code = "payment_reference_taken"


class VendorSuspended(Refusal):
    """The vendor, the till or the operator is suspended."""

    code = "vendor_suspended"


class WalletTooLow(Refusal):
    """The vendor's wallet and credit limit do not cover the sale."""

    code = "wallet_too_low"


class SaleAboveLimit(Refusal):
    """The contract allows no sale as large."""

    code = "sale_above_limit"


class NoOpenShift(Refusal):
    """The operator has no shift in which to sell."""

    code = "no_open_shift"


class ShiftRefused(Refusal):
    """The shift can't be opened, counted or closed like that."""

    code = "shift_refused"


class DrawerTooLow(Refusal):
    """More cash is to be given back than there is in the drawer."""

    code = "drawer_too_low"
