"""Who is connected. An unsigned hint, used only to decide when to send."""

from __future__ import annotations

import datetime

from headend.fleet.delivery import IN_DELIVERY
from headend.fleet.models import Command, MeterLink
from shared.wire.commands import HIGHEST_NUMBER
from shared.wire.topics import is_digits


def take_online(link: MeterLink, payload: bytes, *, at: datetime.datetime) -> None:
    """Take a meter's word that it connected, or the broker's that it is gone.

    Whatever is unfinished goes out again, and so does the watermark: the broker may have lost
    both since.

    Args:
        link: the meter's, locked.
        payload: its boot number in decimal digits; empty when it is gone.
        at: when the message came.

    Raises:
        ValueError: neither.
    """
    if not payload:
        _set_online(link, False, at=at)
        return
    text = payload.decode("ascii", errors="replace")
    if len(text) > 10 or not is_digits(text) or int(text) > HIGHEST_NUMBER:
        raise ValueError("no boot number in an online message")
    _set_online(link, True, at=at)
    link.boot = int(text)
    link.last_heard_at = at
    link.watermark_due = True
    Command.objects.filter(meter_id=link.meter_id, state__in=IN_DELIVERY).update(
        next_attempt_at=at
    )


def heard(link: MeterLink, *, at: datetime.datetime) -> None:
    """Note that the meter just spoke, so it is connected whatever was said before."""
    link.last_heard_at = at
    _set_online(link, True, at=at)


def _set_online(link: MeterLink, online: bool, *, at: datetime.datetime) -> None:
    if link.online != online:
        link.online = online
        link.online_changed_at = at
