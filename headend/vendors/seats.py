"""Where somebody sells (till, shift, wallet) and how a sale there is paid.

Whoever belongs to a vendor sells on its wallet. Everybody else sells for the utility, whose till
takes the cash, and needs the permission to; in a shift, unless their role sells without.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F

from headend.accounts.models import User
from headend.accounts.services import require
from headend.config import prepared, statements
from headend.currencies import exchange
from headend.currencies.conversion import Conversion
from headend.currencies.errors import BaseCurrencyOnly
from headend.design import figures
from headend.ledger import cash, chart
from headend.ledger.services import Posting
from headend.vendors import wallet
from headend.vendors.earnings import Rate
from headend.vendors.errors import (
    DrawerTooLow,
    NoOpenShift,
    SaleAboveLimit,
    VendorSuspended,
)
from headend.vendors.models import Contract, Operator, OtherCash, Shift, Till, Vendor

ACT_FOR_UTILITY = "vendors.act_for_utility"
WORK_SHIFT = "vendors.work_shift"
SELL_WITHOUT_SHIFT = "vendors.sell_without_shift"


@dataclass(frozen=True)
class Seat:
    """Where a sale is made: without a vendor by the utility, without a till from no drawer."""

    vendor: Vendor | None = None
    till: Till | None = None
    shift: Shift | None = None
    account: str = ""  # where the money lies already; then nobody takes any


def seat_of(user: User) -> Seat:
    """Return from where a user sells now.

    Raises:
        VendorSuspended: the vendor, till or operator is.
        NoOpenShift: they have to open a shift first.
        NotPermitted: the user belongs to no vendor and may not sell for the utility.
    """
    operator: Operator | None = prepared.first(statements.OPERATOR, user.pk)
    if operator is None:
        require(user, ACT_FOR_UTILITY)
        return _seat_at_utility(user)
    vendor = operator.vendor
    if vendor.status != Vendor.ACTIVE:
        raise wallet.suspended(vendor)
    if not operator.is_active:
        raise VendorSuspended(f"{user} does not sell for {vendor} any more")
    till = operator.till
    if till is not None and not till.needs_shift:
        _require_active(till)
        return Seat(vendor, till)
    shift = _running_shift(user)
    if shift is None:
        raise NoOpenShift(f"{user} has no open shift; open one under Shift")
    return _seat_in(shift, vendor)


def check(seat: Seat, tender_minor: int, *, paid: Conversion | None = None) -> None:
    """Refuse a sale that could not be paid from a seat; it changes nothing.

    Args: as for `pay`.

    Raises:
        SaleAboveLimit, WalletTooLow, BaseCurrencyOnly: the contract, the wallet or the currency
            does not allow it.
    """
    _require_currency(seat, paid)
    if seat.vendor is None:
        return
    _require_within_limit(seat.vendor, tender_minor)
    available_minor = wallet.available_minor(seat.vendor)
    needed_minor = tender_minor - _commission(seat.vendor, tender_minor)
    if available_minor < needed_minor:
        raise wallet.too_low(seat.vendor, available_minor, needed_minor)


def pay(
    seat: Seat, tender_minor: int, *, currency: str, paid: Conversion | None = None
) -> list[Posting]:
    """Pay a sale where it is made: the utility's cash, or the vendor's wallet.

    Call it in the sale's transaction, late: what it locks others may wait for.

    Args:
        seat: where.
        tender_minor: what the customer pays, > 0.
        currency: of the tender.
        paid: what they hand over, if that is in another currency; worth the tender.

    Returns:
        list: the debits of the sale's ledger entry; they add up to the tender.

    Raises:
        NoOpenShift: the shift was counted meanwhile.
        SaleAboveLimit, WalletTooLow, VendorSuspended: the vendor can't pay.
        BaseCurrencyOnly: a vendor can't sell for another currency.
    """
    if seat.account:
        return [Posting(seat.account, tender_minor, currency)]
    vendor = seat.vendor
    if paid is not None:
        _require_currency(seat, paid)
        return _take(seat, paid)
    if vendor is not None:
        _require_within_limit(vendor, tender_minor)
    if seat.shift is not None:
        _add_to_shift(seat.shift, tender_minor)
    if vendor is None:
        return [Posting(drawer(seat), tender_minor, currency)]
    earned_minor = _commission(vendor, tender_minor)
    wallet.take(vendor, tender_minor - earned_minor)
    return [
        Posting(vendor.wallet, tender_minor - earned_minor, currency),
        *earned(vendor, earned_minor, currency),
    ]


def drawer(seat: Seat) -> str:
    """Return the account of the utility's cash at a seat of its own."""
    return chart.drawer_account(seat.till.pk) if seat.till else chart.CASH_AT_TILLS


def pay_out(seat: Seat, amount_minor: int, *, currency: str) -> None:
    """Count cash that is given back to a customer in the shift of whoever gives it.

    The ledger entry is the caller's: at the utility's own tills it credits `drawer`.

    Args:
        seat: where it is given back; at the utility without a shift it is cash of sales without
            one.
        amount_minor: what the customer gets, > 0.
        currency: in which; the drawer holds enough of it.

    Raises:
        NoOpenShift: the shift was counted meanwhile.
        DrawerTooLow, TillsTooLow: there is less in the drawer, or of sales without a shift.
    """
    if seat.shift is None:
        if seat.vendor is None:
            cash.require(drawer(seat), amount_minor, currency)
        return
    if currency != seat.shift.currency:
        _pay_out_other(seat.shift, amount_minor, currency)
        return
    rows = Shift.objects.filter(pk=seat.shift.pk, state=Shift.OPEN)
    in_drawer_minor = F("float_minor") + F("sold_minor") - F("paid_out_minor")
    if (
        rows.alias(cash=in_drawer_minor)
        .filter(cash__gte=amount_minor)
        .update(
            paid_out_count=F("paid_out_count") + 1,
            paid_out_minor=F("paid_out_minor") + amount_minor,
        )
    ):
        return
    if not rows.exists():
        raise _has_been_counted(seat.shift)
    amount = figures.money(amount_minor, currency=seat.shift.currency)
    raise DrawerTooLow(f"the drawer of {seat.shift.till} does not hold {amount}")


def _pay_out_other(shift: Shift, amount_minor: int, currency: str) -> None:
    """Count cash of another currency that is given back."""
    counted = F("paid_out_count") + 1
    if not Shift.objects.filter(pk=shift.pk, state=Shift.OPEN).update(paid_out_count=counted):
        raise _has_been_counted(shift)
    in_drawer_minor = F("float_minor") + F("sold_minor") - F("paid_out_minor")
    held = OtherCash.objects.filter(shift=shift.pk, currency=currency)
    enough = held.alias(cash=in_drawer_minor).filter(cash__gte=amount_minor)
    if not enough.update(paid_out_minor=F("paid_out_minor") + amount_minor):
        amount = figures.money(amount_minor, currency=currency)
        raise DrawerTooLow(f"the drawer of {shift.till} does not hold {amount}")


def earned(vendor: Vendor, earned_minor: int, currency: str) -> list[Posting]:
    """Return the debits of what a vendor earned, its tax apart; either may be zero."""
    tax_minor = rate_of(vendor.contract).tax_within(earned_minor) if vendor.contract else 0
    return [
        Posting(vendor.earnings, earned_minor - tax_minor, currency),
        Posting(chart.TAX_ON_COMMISSION, tax_minor, currency),
    ]


def rate_of(contract: Contract) -> Rate:
    """Return what a contract says about earning."""
    return Rate(contract.percent, contract.tax, contract.tax_percent)


def _commission(vendor: Vendor, tender_minor: int) -> int:
    contract = vendor.contract
    if contract is None or contract.kind != Contract.Kind.COMMISSION:
        return 0
    return rate_of(contract).earned_on_sale(tender_minor)


def _require_within_limit(vendor: Vendor, tender_minor: int) -> None:
    largest_minor = vendor.contract.largest_sale_minor if vendor.contract else None
    if largest_minor is not None and tender_minor > largest_minor:
        largest = figures.money(largest_minor, currency=vendor.currency)
        raise SaleAboveLimit(f"{vendor} sells for at most {largest} at once; split the sale")


def _require_currency(seat: Seat, paid: Conversion | None) -> None:
    """Refuse another currency to a vendor, whose wallet pays in the base one.

    What a vendor's customers hand over is the vendor's own money; the utility can't say at which
    rate it was taken.
    """
    if paid is not None and seat.vendor is not None:
        raise BaseCurrencyOnly(
            f"{seat.vendor} sells on its wallet, in {paid.base_currency} only; {paid.currency} is "
            "taken at the utility's own tills"
        )


def _take(seat: Seat, paid: Conversion) -> list[Posting]:
    """Take cash of another currency at a till of the utility."""
    shift = seat.shift
    if shift is not None:
        counted = F("sales_count") + 1
        if not Shift.objects.filter(pk=shift.pk, state=Shift.OPEN).update(sales_count=counted):
            raise _has_been_counted(shift)
        other, _ = OtherCash.objects.get_or_create(shift=shift, currency=paid.currency)
        taken = F("sold_minor") + paid.paid_minor
        OtherCash.objects.filter(pk=other.pk).update(sold_minor=taken)
    return exchange.postings(
        drawer(seat),
        paid_minor=paid.paid_minor,
        currency=paid.currency,
        worth_minor=paid.worth_minor,
        base_currency=paid.base_currency,
    )


def _add_to_shift(shift: Shift, tender_minor: int) -> None:
    """Count the sale in its shift, unless the shift has been counted since."""
    if not prepared.rows(statements.SHIFT_SALE, tender_minor, shift.pk):
        raise _has_been_counted(shift)


def _seat_at_utility(user: User) -> Seat:
    shift = _running_shift(user) if user.has_perm(WORK_SHIFT) else None
    if shift is not None:
        return _seat_in(shift, None)
    if not user.has_perm(SELL_WITHOUT_SHIFT):
        raise NoOpenShift(f"{user} has no open shift; open one under Shift")
    return Seat()


def _running_shift(user: User) -> Shift | None:
    running: Shift | None = prepared.first(statements.SHIFT, user.pk)
    return running


def _seat_in(shift: Shift, vendor: Vendor | None) -> Seat:
    if shift.state != Shift.OPEN:
        raise _has_been_counted(shift)
    _require_active(shift.till)
    return Seat(vendor, shift.till, shift)


def _require_active(till: Till) -> None:
    if not till.is_active:
        raise VendorSuspended(f"till {till} is suspended")


def _has_been_counted(shift: Shift) -> NoOpenShift:
    return NoOpenShift(f"the shift of {shift} has been counted; close it and open another")
