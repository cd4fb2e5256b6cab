"""Decides whether anybody may have a sale's token, in this one place only.

A token that is made and given out in one step is disclosed from the beginning. A caller who can
take the two steps apart has the token held back, and asks for it once it will be handed over: the
till does so when it opens the sale's page, a program by a request of its own. Until then the sale
can be reversed; nobody is shown the digits of a token that is held back, or whose sale was
reversed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import writing
from headend.meters.models import Meter
from headend.vending.errors import SaleReversed
from headend.vending.models import Disclosure, IssuedToken, Reversal, Sale, TokenHold

_CREDIT_CLASS = 0
RELATED = ("hold", "disclosure", "reversal")


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


@dataclass(frozen=True)
class Standing:
    """What has happened to a sale since, as far as showing its token is concerned."""

    is_held: bool = False
    reversed_at: datetime | None = None


def standing_of(sale: Sale) -> Standing:
    """Return what became of a sale; a list selects what is in RELATED with its sales."""
    if hasattr(sale, "reversal"):
        return Standing(reversed_at=sale.reversal.reversed_at)
    return Standing(is_held=hasattr(sale, "hold") and not hasattr(sale, "disclosure"))


def digits_of(token: IssuedToken, standing: Standing | None = None) -> str | None:
    """Return a token's digits, or None if they must be shown to nobody now.

    Whatever shows a token asks this.

    Args:
        token: any; a list selects "free_grant" and its sale's RELATED with it.
        standing: that of its sale, where it is known already.
    """
    if token.sale is None:
        return token.digits
    standing = standing or standing_of(token.sale)
    if standing.reversed_at is not None:
        return None if is_paid_for(token) else token.digits
    return None if standing.is_held else token.digits


def hold(sale: Sale, *, at: datetime) -> None:
    """Keep the token of a sale back; call it in the sale's transaction."""
    writing.save(TokenHold(sale=sale, held_at=at))


@transaction.atomic
def disclose(sale: Sale, *, to: User, how: Disclosure.How, at: datetime) -> None:
    """Record that a sale's token is given out; call it before giving the token out.

    Asking again changes nothing: the first time is what counts.

    Args:
        sale: one that `to` may see.
        to: who is given it.
        how: on a page, on paper, to a program, to the meter.
        at: now.

    Raises:
        SaleReversed: the sale was taken back; the token is given to nobody any more.
        NotPermitted: `to` may not sell, so it is not theirs to hand out on a page or to a program.
            Paper and meter have permissions of their own.
    """
    if how in (Disclosure.How.SHOWN, Disclosure.How.RETURNED):
        require(to, "vending.vend")
    # A reversal holds the meter's row as well: one of the two comes first.
    Meter.objects.select_for_update().get(pk=sale.meter_id)
    if is_reversed(sale):
        raise SaleReversed(f"sale {sale} was reversed; its token is given to nobody")
    if not is_held(sale):
        return
    Disclosure.objects.create(sale=sale, how=how, disclosed_to=to, disclosed_at=at)
    audit.record(actor=to, action="vending.disclose", target=sale, at=at, after={"how": how.value})
