"""Sales, the tokens they gave, and tokens that were given without a sale."""

from headend.vending.models.free_electricity import (
    FreeAmount,
    FreeEnrolment,
    FreeGrant,
    FreeProgramme,
)
from headend.vending.models.opening_use import OpeningUse
from headend.vending.models.reversals import Reallocation, Reversal
from headend.vending.models.sales import ReceiptCopy, Sale, SaleLine, SaleQuerySet
from headend.vending.models.tokens import Disclosure, IssuedToken, TokenDelivery, TokenHold

__all__ = [
    "Disclosure",
    "FreeAmount",
    "FreeEnrolment",
    "FreeGrant",
    "FreeProgramme",
    "IssuedToken",
    "OpeningUse",
    "Reallocation",
    "ReceiptCopy",
    "Reversal",
    "Sale",
    "SaleLine",
    "SaleQuerySet",
    "TokenDelivery",
    "TokenHold",
]
