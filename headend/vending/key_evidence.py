"""Evidence of whether a meter has its new key, and of the credit it no longer accepts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from headend.fleet.models import MeterState
from headend.meters.models import KeyChange
from headend.vending import disclosure
from headend.vending.models import IssuedToken
from headend.vending.unused import tokens_not_entered

CREDIT_SINCE = timedelta(days=90)  # older tokens are not looked for
NOT_TOLD = "000000"  # the supply group as a meter shows it after a set of two tokens


def shows_new_key(change: KeyChange, told: Mapping[str, Any]) -> bool:
    """Say whether what a meter reported of its key can only be the new one.

    A meter tells revision, tariff index and supply group; a change of none of them can't be seen.
    """

    def visible(attributes: Mapping[str, Any]) -> tuple[Any, ...]:
        return attributes["krn"], attributes["ti"], attributes["sgc"]

    told_key = (told.get("krn"), told.get("ti"), told.get("sgc"))
    if told_key[2] == NOT_TOLD and change.token_count == 2:
        return told_key[:2] == visible(change.after)[:2]
    return told_key == visible(change.after) != visible(change.before)


def tells_new_key(change: KeyChange) -> bool:
    """Say whether a meter that is online reports that it has its new key."""
    state = _state_online(change)
    return state is not None and shows_new_key(change, state.content)


def tells_old_key(change: KeyChange) -> bool:
    """Say whether a meter that is online reports that it has not taken its new key."""
    state = _state_online(change)
    if state is None:
        return False
    told = tuple(state.content.get(name) for name in ("krn", "ti", "sgc"))
    before, after = (
        tuple(one[name] for name in ("krn", "ti", "sgc")) for one in (change.before, change.after)
    )
    return told == before != after


def _state_online(change: KeyChange) -> MeterState | None:
    return MeterState.objects.filter(meter=change.meter_id, meter__link__online=True).first()


def worthless_under(change: KeyChange, *, since: datetime) -> list[IssuedToken]:
    """Return credit made before a key change's tokens were given out and not known to be entered.

    Once the meter has its new key it takes none of it any more.
    """
    if change.issued_at is None:
        return []
    return [
        token
        for token in tokens_not_entered(change.meter, since=since)
        if token.issued_at < change.issued_at and disclosure.digits_of(token) is not None
    ]


def credit_before(change: KeyChange, *, at: datetime) -> list[IssuedToken]:
    """Return the credit that the meter has to take before its new key, the oldest first."""
    old = change.before["krn"], change.before["base_date"]
    return [
        one
        for one in reversed(worthless_under(change, since=at - CREDIT_SINCE))
        if (one.krn, one.base_date) == old and not hasattr(one.sale, "reallocation")
    ]
