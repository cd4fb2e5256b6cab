"""What a price depends on besides the money: the customer's month so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from headend.config.exact import Fraction

OPEN, CROSSED, SETTLED = "open", "crossed", "settled"


@dataclass(frozen=True)
class FeeDue:
    """What is due of one periodic fee."""

    periods: int = 0  # not yet charged, this one included
    owed_minor: int = 0  # charged before and left unpaid


@dataclass(frozen=True)
class PurchaseContext:
    """The circumstances of one purchase."""

    bought_wh: int = 0  # issued before in the tariff's window, given or sold
    free_wh: int = 0  # what of it was given free
    full_price_wh: int = 0  # sold this month by an earlier version, which had no lower price
    fees: Mapping[str, FeeDue] = field(default_factory=dict)  # by the fee's name
    average_kwh: Fraction = Fraction(0)  # a month, over the months that the tariff asks for
    connection_va: int | None = None
    limit_periods: int = 1  # months whose step limits count together
    lifeline: str = OPEN  # has the limit been passed, and was the earlier energy repriced?
    bought_this_month: bool = False  # a purchase left word of the lifeline, if of no energy
    lifeline_owed_minor: int = 0  # of that repricing: not yet paid, without what is put on it
    carried_minor: int = 0  # left unspent by an earlier purchase

    @property
    def never_repriced_wh(self) -> int:
        """Return what of the energy before was not sold at this tariff's lower price."""
        return self.free_wh + self.full_price_wh


@dataclass(frozen=True)
class Deduction:
    """Money taken before energy for something that is not the tariff's, such as a debt."""

    description: str
    amount_minor: int  # > 0
    kind: str = "debt"
    reference: str = ""
    explanation: str = ""
