"""A vendor's wallet: reserve, add, credit limit. Call it in the act's own transaction.

The money that may be spent is spread over PURSES rows. A sale takes from any row that has enough
and that no other sale holds, so sales of one vendor do not wait for each other. Only when no row
has enough are all of them locked, in order, and the money spread anew: a refusal is then certain.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Sum
from django.db.models.functions import Coalesce

from headend.config import prepared, statements
from headend.design import figures
from headend.ledger import queries as ledger
from headend.vendors.errors import InvalidContract, VendorSuspended, WalletTooLow
from headend.vendors.models import Purse, Vendor

PURSES = 16
_SALES_PER_PURSE = 8  # a purse that holds fewer is not worth the laying out


def create(vendor: Vendor) -> None:
    """Give a new vendor its empty purses."""
    Purse.objects.bulk_create(Purse(vendor=vendor, number=number) for number in range(PURSES))


def balance_minor(vendor: Vendor) -> int:
    """Return what is in the wallet, as the ledger says; below zero if credit is used."""
    return -ledger.balance_minor(vendor.wallet, vendor.currency)


def available_minor(vendor: Vendor) -> int:
    """Return what may still be sold for: the wallet and the credit limit."""
    sums = vendor.purses.aggregate(total=Coalesce(Sum("available_minor"), 0))
    return int(sums["total"])


def standings(vendors: Sequence[Vendor]) -> dict[int, tuple[int, int]]:
    """Return what is in each wallet and what may still be sold for, by the vendor's key.

    Both as the purses have it: adding up all that ever moved in many wallets takes its time, and
    each night it is proved that it comes to the same.
    """
    rows = (
        Vendor.objects.filter(pk__in=[each.pk for each in vendors])
        .values_list("pk", "contract__credit_limit_minor")
        .annotate(available_minor=Coalesce(Sum("purses__available_minor"), 0))
    )
    return {key: (available - (limit or 0), available) for key, limit, available in rows}


def take(vendor: Vendor, amount_minor: int) -> None:
    """Reserve money for a sale; it is gone when the transaction commits and back if it does not.

    Args:
        vendor: whose.
        amount_minor: what the sale costs the vendor, >= 0.

    Raises:
        VendorSuspended: it was suspended, perhaps a moment ago.
        WalletTooLow: wallet and credit limit do not cover it.
    """
    asked = (statements.PURSE, amount_minor, vendor.pk, amount_minor)
    with prepared.ahead((statements.BEFORE_PURSE,), asked):
        taken = prepared.rows(*asked)
    if taken:
        return
    # A purse that was emptied while PURSE was coming for it is locked all the same. Held on to
    # while waiting for the others, it would be waited for in turn by whoever comes in order.
    prepared.rows(statements.BACK_BEFORE_PURSE)
    purses = _all_held(vendor)
    if not purses[0].is_open:
        raise suspended(vendor)
    left_minor = sum(purse.available_minor for purse in purses) - amount_minor
    if left_minor < 0:
        raise too_low(vendor, left_minor + amount_minor, amount_minor)
    _lay_out(purses, left_minor, pieces=left_minor // max(_SALES_PER_PURSE * amount_minor, 1))


def give(vendor: Vendor, amount_minor: int) -> None:
    """Make more money available; less, if negative, after a credit limit was lowered.

    Raises:
        InvalidContract: less than nothing would be left.
    """
    purses = _all_held(vendor)
    total_minor = sum(purse.available_minor for purse in purses) + amount_minor
    if total_minor < 0:
        raise InvalidContract(
            f"{vendor} already uses {_money(vendor, -total_minor)} more than that limit; "
            "it has to pay first"
        )
    _lay_out(purses, total_minor, pieces=PURSES)


def set_open(vendor: Vendor, is_open: bool) -> None:
    """Let sales take from the purses or not; waits for sales that are doing so just now."""
    purses = _all_held(vendor)
    for purse in purses:
        purse.is_open = is_open
    Purse.objects.bulk_update(purses, ["is_open"])


def suspended(vendor: Vendor) -> VendorSuspended:
    """Return the error that says that a vendor may not sell."""
    return VendorSuspended(f"{vendor} is suspended; the utility can let it sell again")


def too_low(vendor: Vendor, available: int, needed: int) -> WalletTooLow:
    """Return the error that says that a sale is not covered."""
    return WalletTooLow(
        f"{vendor} has {_money(vendor, available)} left to sell for and this sale takes "
        f"{_money(vendor, needed)}; the vendor must buy credit"
    )


def _all_held(vendor: Vendor) -> list[Purse]:
    return list(vendor.purses.select_for_update().order_by("number"))


def _lay_out(purses: list[Purse], total_minor: int, *, pieces: int) -> None:
    """Spread money over the first few purses, as evenly as it goes."""
    pieces = min(max(pieces, 1), len(purses))
    each, rest = divmod(total_minor, pieces)
    for purse in purses:
        purse.available_minor = each + (purse.number < rest) if purse.number < pieces else 0
    Purse.objects.bulk_update(purses, ["available_minor"])


def _money(vendor: Vendor, amount_minor: int) -> str:
    return figures.money(amount_minor, currency=vendor.currency)
