"""Whether anybody may have a sale's token: the only place that says so.

A token that is made and given out in one step is disclosed from the beginning. A caller who can
take the two steps apart has the token held back, and asks for it once it will be handed over: the
till does so when it opens the sale's page, a program by a request of its own. Until then the sale
can be reversed; nobody is shown the digits of a token that is held back, or whose sale was
reversed.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.audit import services as audit
from headend.meters.models import Meter
from headend.vending.errors import SaleReversed
from headend.vending.models import Disclosure, IssuedToken, Reversal, Sale, TokenHold

_CREDIT_CLASS = 0
RELATED = ("sale__hold", "sale__disclosure", "sale__reversal", "free_grant")


def is_held(sale: Sale) -> bool:
    """Say whether a sale's token was kept back and nobody has been given it since."""
    held = TokenHold.objects.filter(sale=sale).exists()
    return held and not Disclosure.objects.filter(sale=sale).exists()


def is_reversed(sale: Sale) -> bool:
    """Say whether a sale was taken back."""
    return Reversal.objects.filter(sale=sale).exists()


def is_paid_for(token: IssuedToken) -> bool:
    """Say whether a token is what its sale sold: not free energy or a new key handed out with it.

    Those are the customer's whatever becomes of the sale.
    """
    return token.token_class == _CREDIT_CLASS and not hasattr(token, "free_grant")


def digits_of(token: IssuedToken) -> str | None:
    """Return a token's digits, or None if they must be shown to nobody now.

    Whatever shows a token asks this; a list selects what is in RELATED with its tokens.
    """
    sale = token.sale
    if sale is None:
        return token.digits
    if hasattr(sale, "reversal"):
        return None if is_paid_for(token) else token.digits
    held = hasattr(sale, "hold") and not hasattr(sale, "disclosure")
    return None if held else token.digits


def hold(sale: Sale, *, at: datetime) -> None:
    """Keep the token of a sale back; call it in the sale's transaction."""
    TokenHold.objects.create(sale=sale, held_at=at)


@transaction.atomic
def disclose(sale: Sale, *, to: User, how: Disclosure.How, at: datetime) -> None:
    """Write down that a sale's token is given out; whoever gives it out calls this before.

    Asking again changes nothing: the first time is what counts.

    Args:
        sale: one that `to` may see.
        to: who is given it.
        how: on a page, on paper, to a program, to the meter.
        at: now.

    Raises:
        SaleReversed: the sale was taken back; the token is given to nobody any more.
    """
    # A reversal holds the meter's row as well: one of the two comes first.
    Meter.objects.select_for_update().get(pk=sale.meter_id)
    if is_reversed(sale):
        raise SaleReversed(f"sale {sale} was reversed; its token is given to nobody")
    if not is_held(sale):
        return
    Disclosure.objects.create(sale=sale, how=how, disclosed_to=to, disclosed_at=at)
    audit.record(actor=to, action="vending.disclose", target=sale, at=at, after={"how": how.value})
