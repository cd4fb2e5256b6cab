"""Tokens that are not sales: free energy, transferred credit, engineering tokens.

Each caller is a capability of its own, with its own permission and rules. This module gives the
token its identifier and its digits, and stores it.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.audit import services as audit
from headend.meters.keys import with_attributes
from headend.meters.models import KeyChange, Meter
from headend.meters.services import allocate_token_identifiers
from headend.securitymodule.tokens import Content, Credit, MeterTest, generate_token
from headend.vending.key_changes import lock
from headend.vending.models import IssuedToken, Sale


@transaction.atomic
def issue(
    *,
    meter: Meter,
    content: Content,
    purpose: str,
    by: User,
    at: datetime,
    reason: str = "",
    source: str = "",
    sale: Sale | None = None,
    position: int = 0,
    earlier_key: KeyChange | None = None,
) -> IssuedToken:
    """Make a token under the meter's key, store it and record it in the audit.

    The caller checks its permission, and wraps its transaction in `refusals_recorded`.

    Args:
        meter: for which; its row is locked until the transaction ends, and read again.
        content: what the token carries, for example `Credit.of_energy(5_000)`.
        purpose: what it is for, as lists and receipts print it; at most 200 characters.
        by: who has it made.
        at: the time of issue.
        reason: why, in their words.
        source: the channel it was asked for by.
        sale: the sale with which it is handed out, if there is one.
        position: its place in the order of entry among the sale's tokens.
        earlier_key: a change of key, on one base date, that the meter did not take: the token
            is made under the key from before.

    Raises:
        KeyRefused: the meter's key can't be used.
        InvalidTokenContent: no such token can be made.
        TokenIdentifiersExhausted: the meter's base date has no identifier left.
    """
    lock(meter)
    keyed = with_attributes(meter, earlier_key.before) if earlier_key else meter
    tid = None
    if not isinstance(content, MeterTest):
        (tid,) = allocate_token_identifiers(meter, count=1, at=at)
    token = IssuedToken.objects.create(
        meter=meter,
        sale=sale,
        position=position,
        digits=generate_token(keyed, content, tid=tid, at=at),
        token_class=content.token_class,
        subclass=content.subclass,
        base_date=meter.base_date,
        tid=tid,
        units=content.units if isinstance(content, Credit) else None,
        krn=keyed.krn,
        purpose=purpose[:200],
        issued_by=by,
        issued_at=at,
    )
    audit.record(
        actor=by,
        action="vending.issue_token",
        target=token,
        at=at,
        after={"meter": meter.drn, "purpose": purpose, "tid": tid} | vars(content),
        reason=reason,
        source=source,
    )
    return token
