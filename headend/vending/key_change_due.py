"""Key changes due at the next purchase: their tokens come before the credit."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from headend.meters.models import KeyChange, Meter
from headend.vending import key_changes, key_evidence
from headend.vending.models import IssuedToken, Sale

# After so many purchases with the same tokens the meter must have entered them: the credit of the
# first ones would have been worthless without.
HAND_OUTS = 3


def bring_in(meter: Meter, *, at: datetime) -> KeyChange | None:
    """Have the next token of a meter made under the key that it is to change to, if any is due.

    Args:
        meter: locked; its key attributes are brought up to date.
        at: now.

    Returns:
        KeyChange: whose tokens `hand_out` then puts before the credit; None as a rule.

    Raises:
        KeyRefused, InvalidTokenContent: the tokens were not made before and can't be made.
    """
    if not meter.has_key_change_due:
        return None
    change = key_changes.under_way(meter)
    if change is None:
        return None
    change.meter = meter
    key_changes.issue(change, by=change.prepared_by, at=at)
    return change if change.state == KeyChange.State.ISSUED else None


def hand_out(change: KeyChange, sale: Sale) -> list[IssuedToken]:
    """Put a key change's tokens first among those of a sale; return them.

    Args:
        change: what `bring_in` returned.
        sale: just made, and for the same meter; its credit token takes the next position.
    """
    given = [_again(token, sale) for token in key_changes.tokens_of(change)]
    change.hand_outs = _given_with(change)
    change.save(update_fields=["hand_outs"])
    if change.hand_outs >= HAND_OUTS and not key_evidence.tells_old_key(change):
        key_changes.mark_entered(
            change, evidence=KeyChange.Evidence.PURCHASES, by=None, at=sale.created_at
        )
    return given


def credit_first(change: KeyChange, sale: Sale) -> list[IssuedToken]:
    """Return the credit that a sale which is sent to its meter sends there before anything else.

    It was bought before and is not known to be entered; under the new key it would be worthless.
    Once the tokens were given out before, nobody knows which of the keys the meter has.

    Args:
        change: what `bring_in` returned.
        sale: just made.
    """
    if change.issued_at != sale.created_at:
        return []
    return key_evidence.credit_before(change, at=sale.created_at)


def to_send(sale: Sale) -> list[IssuedToken]:
    """Return the tokens that go to the meter for a sale, in order of entry.

    Before the tokens of a new key goes earlier credit, as in `credit_first`. If the meter has told
    since that it has that key, they are left out: it would refuse them.
    """
    tokens = list(sale.tokens.select_related("key_change").order_by("position"))
    change = next((one.key_change for one in tokens if one.key_change is not None), None)
    if change is None:
        return tokens
    if change.evidence == KeyChange.Evidence.METER:
        return [one for one in tokens if one.key_change is None]
    return [*credit_first(change, sale), *tokens]


def _given_with(change: KeyChange) -> int:
    """Count the purchases whose customer was given the tokens: none that is held back counts."""
    purchases = Sale.objects.filter(tokens__key_change=change).distinct()
    return purchases.filter(Q(hold=None) | Q(disclosure__isnull=False)).count()


def _again(token: IssuedToken, sale: Sale) -> IssuedToken:
    return IssuedToken.objects.create(
        meter=token.meter,
        sale=sale,
        position=token.position,
        digits=token.digits,
        token_class=token.token_class,
        subclass=token.subclass,
        base_date=token.base_date,
        krn=token.krn,
        key_change_id=token.key_change_id,
        purpose=token.purpose,
        issued_by=sale.operator,
        issued_at=sale.created_at,
    )
