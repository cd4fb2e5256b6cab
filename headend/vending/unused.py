"""When a meter proves that a token given out was never used and never will be.

A token is gone for good once the meter has another decoder key. That it was not used before is
told by the meter's own signed messages: each accepted token is an event, and events and readings
share one running number, so a missing one shows. The proof is therefore: the meter reported that
its key was changed after the token was made; every message from before the token was made up to
that report is stored, none missing; and none of them accepts the token.

A refused delivery proves nothing: the customer may have typed the token before, or may still.
A meter that goes back to the key it had would accept the token again; only an engineer can do
that, and a second person has to approve it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from headend.fleet.models import Event, MeterLink, Reading
from headend.meters.models import Meter
from headend.vending.models import IssuedToken
from shared.wire import codes

Number = tuple[int, int]  # (boot, seq)
_CREDIT_CLASS = 0
_TOKENS_LOOKED_AT = 20
_UNTOLD_SGC = 0  # after a key change by two tokens a meter does not know its supply group


def proof(token: IssuedToken) -> dict[str, Any] | None:
    """Return what proves that a token was not used and never will be, or None.

    Args:
        token: a credit token with its own token identifier.

    Returns:
        dict: the key that the meter has now, and the numbers of its messages that tell so.
    """
    events = Event.objects.filter(meter=token.meter_id)
    change = events.filter(code=codes.EVENT_KEY_CHANGED).order_by("-boot", "-seq").first()
    link = MeterLink.objects.filter(meter=token.meter_id).first()
    if change is None or link is None or change.received_at <= token.issued_at:
        return None
    told = (change.boot, change.seq)
    if told > (link.stored_boot, link.stored_seq) or not _is_another_key(change.detail, token):
        return None
    messages = messages_without(token, until=told)
    if messages is None:
        return None
    return {
        "key": {name: change.detail.get(name) for name in ("sgc", "krn", "ti")},
        "key_changed": list(told),
        "messages": messages,
    }


def messages_without(token: IssuedToken, *, until: Number) -> list[list[int]] | None:
    """Return the numbers of the messages that tell that a token was not accepted, or None.

    Args:
        token: a credit token with its own token identifier.
        until: number of a stored message; whether the token was accepted later is not asked.

    Returns:
        list: the first and the last number of messages that are all stored, the first one from
            before the token was made. None: one is missing, or one accepts the token.
    """
    numbers = _numbers_since(token, until)
    if not _are_all_there(numbers):
        return None
    accepted = Event.objects.filter(
        meter=token.meter_id,
        code=codes.EVENT_TOKEN_ACCEPTED,
        received_at__gt=token.issued_at,
    )
    if any(event.detail.get("tid") == token.tid for event in accepted):
        return None
    return [list(numbers[0]), list(numbers[-1])]


def tokens_not_entered(meter: Meter, *, since: datetime) -> list[IssuedToken]:
    """Return the latest credit tokens of a meter of which nothing tells that they were entered.

    What a reversed sale sold is not among them, for nobody has it; free energy that came with it
    is the customer's all the same.
    """
    tokens = (
        IssuedToken.objects.filter(
            Q(sale__reversal=None) | Q(free_grant__isnull=False),
            meter=meter,
            token_class=_CREDIT_CLASS,
            issued_at__gte=since,
        )
        .exclude(deliveries__command__state="accepted")
        .select_related("sale")
        .order_by("-pk")[:_TOKENS_LOOKED_AT]
    )
    entered = {
        detail.get("tid")
        for detail in Event.objects.filter(
            meter=meter, code=codes.EVENT_TOKEN_ACCEPTED, received_at__gte=since
        ).values_list("detail", flat=True)
    }
    return [token for token in tokens if token.tid not in entered]


def _is_another_key(detail: dict[str, Any], token: IssuedToken) -> bool:
    """Say whether the key that a meter reports is not the one that the token was made with."""
    made_for = token.sale.particulars if token.sale else {}
    sgc = detail.get("sgc") or _UNTOLD_SGC
    return (
        detail.get("krn") != token.krn
        or detail.get("ti") != made_for.get("ti")
        or (sgc != _UNTOLD_SGC and int(sgc) != int(made_for.get("sgc", 0)))
    )


def _numbers_since(token: IssuedToken, until: Number) -> list[Number]:
    """Return the numbers of stored messages, from the last one before the token was made."""
    rows = [
        row
        for model in (Event, Reading)
        for row in model.objects.filter(meter=token.meter_id, boot__lte=until[0]).values_list(
            "boot", "seq", "received_at"
        )
    ]
    before = max(((b, s) for b, s, at in rows if at <= token.issued_at), default=(0, 0))
    return sorted({(b, s) for b, s, _ in rows if before <= (b, s) <= until} | {before})


def _are_all_there(numbers: list[Number]) -> bool:
    """Say whether running numbers, which go on over restarts, leave none out."""
    return numbers[-1][1] - numbers[0][1] == len(numbers) - 1
