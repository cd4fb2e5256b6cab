"""Reasons in a supply's later history why a sale can no longer be reversed."""

from __future__ import annotations

from headend.supply.models import SecondIssue, Settlement
from headend.vending.models import Sale, SaleLine
from headend.vending.reversals import objected_by


@objected_by
def account_was_settled(sale: Sale) -> str | None:
    """A settlement has given back what the sale left, and charged fees from where it ended.

    What was paid afterwards is not in it; that is debts only, for energy is sold to nobody then.
    So any other sale is in it, even if the clock was set back in between.
    """
    settled = Settlement.objects.filter(closing__agreement=sale.agreement_id).first()
    if settled is None:
        return None
    is_earlier = sale.created_at <= settled.settled_at
    if is_earlier or sale.lines.exclude(kind=SaleLine.Kind.DEBT).exists():
        return f"its account was settled with it, closing {settled}"
    return None


@objected_by
def token_was_issued_anew(sale: Sale) -> str | None:
    """Its energy is in another token, for the meter that followed."""
    again = SecondIssue.objects.filter(old_token__sale=sale).select_related("new_token__meter")
    made = again.first()
    return f"its token was issued anew for meter {made.new_token.meter}" if made else None
