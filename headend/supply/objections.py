"""Why a sale can't be taken back any more: what its supply's life has built on it since."""

from __future__ import annotations

from headend.supply.models import SecondIssue, Settlement
from headend.vending.models import Sale
from headend.vending.reversals import objected_by


@objected_by
def account_was_settled(sale: Sale) -> str | None:
    """A settlement has given back what the sale left, and charged fees from where it ended.

    What was paid afterwards, a debt for example, is not in it.
    """
    settled = Settlement.objects.filter(
        closing__agreement=sale.agreement_id, settled_at__gte=sale.created_at
    ).first()
    return f"its account was settled with it, closing {settled}" if settled else None


@objected_by
def token_was_issued_anew(sale: Sale) -> str | None:
    """Its energy is in another token, for the meter that followed."""
    again = SecondIssue.objects.filter(old_token__sale=sale).select_related("new_token__meter")
    made = again.first()
    return f"its token was issued anew for meter {made.new_token.meter}" if made else None
