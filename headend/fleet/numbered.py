"""Takes numbered messages, events and readings: each (meter, boot, seq) once."""

from __future__ import annotations

import datetime
from typing import Any

from django.db.models import Q

from headend.announcements.services import announce
from headend.fleet import watermark
from headend.fleet.models import Event, MeterLink, Reading
from headend.fleet.work_items import open_work_item
from headend.meters.models import Meter
from shared.wire import code_names, codes
from shared.wire.commands import is_integer

UNREADABLE = 0  # event code of a message that was kept without being understood
# Besides suspicious ones, events of which programs are told.
WORTH_TELLING = frozenset(
    {
        codes.EVENT_CREDIT_EXHAUSTED,
        codes.EVENT_SWITCH_OPENED,
        codes.EVENT_SWITCH_CLOSED,
        codes.EVENT_SWITCH_FAULT,
        codes.EVENT_MODE_CHANGED,
        codes.EVENT_STORAGE_FAULT,
    }
)
ENERGY_REGISTER = "1.8.0"  # OBIS: active energy, import, total


def take_event(
    meter: Meter, link: MeterLink, claims: dict[str, Any], *, at: datetime.datetime, is_live: bool
) -> None:
    """Store an event once.

    Args:
        meter: whose.
        link: its link, locked.
        claims: a checked event.
        at: when it came.
        is_live: events are never retained, so this changes nothing.
    """
    detail = {
        "code": claims["code"],
        "occurred_at": _moment(claims["time"]),
        "received_at": at,
        "detail": claims.get("detail", {}),
    }
    event = _store_once(Event, meter, link, claims, detail)
    if event is None:
        return
    is_fraud = codes.is_fraud_event(claims["code"])
    if is_fraud or claims["code"] in WORTH_TELLING:
        announce("fleet.event", event.pk, at=at)
    if is_fraud:
        name = code_names.event_name(claims["code"])
        open_work_item(
            kind="fraud",
            cause=f"event {claims['code']} of meter {meter.pk}",
            summary=f"meter {meter.drn} reports: {name}; look at its events",
            at=at,
            meter=meter,
        )


def take_reading(
    meter: Meter, link: MeterLink, claims: dict[str, Any], *, at: datetime.datetime, is_live: bool
) -> None:
    """Store a reading once.

    Args:
        meter: whose.
        link: its link, locked.
        claims: a checked reading.
        at: when it came; stands for the interval's end if the meter's clock was never set.
        is_live: readings are never retained, so this changes nothing.
    """
    end = _moment(claims["end"])
    _store_once(
        Reading,
        meter,
        link,
        claims,
        {
            "interval_end": end or at,
            "clock_was_set": end is not None,
            "received_at": at,
            "energy_wh": claims["registers"].get(ENERGY_REGISTER),
            "credit_wh": claims["credit_wh"],
            "power_w": claims["power_w"],
            "voltage_mv": claims.get("voltage_mv"),
            "registers": claims["registers"],
        },
    )


def take_unreadable(
    meter: Meter, link: MeterLink, kind: str, claims: dict[str, Any], *, at: datetime.datetime
) -> None:
    """Keep a numbered message as it is, if it is one, though its form is not known.

    Args:
        meter: whose.
        link: its link, locked.
        kind: last part of its topic.
        claims: what the meter signed.
        at: when it came.
    """
    after = claims.get("after")
    is_numbered = is_integer(claims.get("boot")) and is_integer(claims.get("seq"))
    if kind not in ("event", "reading") or not is_numbered:
        return
    if not isinstance(after, list) or len(after) != 2 or not all(map(is_integer, after)):
        claims = {name: value for name, value in claims.items() if name != "after"}
    fields = {"code": UNREADABLE, "received_at": at, "detail": {kind: claims}}
    _store_once(Event, meter, link, claims, fields)


def _store_once(
    model: type[Event] | type[Reading],
    meter: Meter,
    link: MeterLink,
    claims: dict[str, Any],
    fields: dict[str, Any],
) -> Event | Reading | None:
    """Store a numbered message unless it is there; move the watermark. Return it if it is new."""
    number = (claims["boot"], claims["seq"])
    after = tuple(claims["after"]) if "after" in claims else None
    after_fields = {"after_boot": after[0], "after_seq": after[1]} if after else {}
    mine = model._default_manager.filter(meter=meter, boot=number[0], seq=number[1])
    made = None
    if not mine.exists():
        made = model._default_manager.create(
            meter=meter, boot=number[0], seq=number[1], **after_fields, **fields
        )
    elif after_fields:
        mine.update(**after_fields)  # the meter may have dropped what stood between since
    _move_watermark(link, number, after)
    return made


def _move_watermark(
    link: MeterLink, number: watermark.Number, after: watermark.Number | None
) -> None:
    """Move the watermark as far as it may go; a message that came again is confirmed again."""
    stored = (link.stored_boot, link.stored_seq)
    link.watermark_due = True
    if number <= stored:
        return
    if not watermark.extends(stored, number, after):
        link.has_gap = True
        return
    stored = number
    if link.has_gap:
        beyond = _stored_beyond(link, stored)
        stored = watermark.advance(stored, beyond)
        link.has_gap = any(each > stored for each, _ in beyond)
    link.stored_boot, link.stored_seq = stored


def _stored_beyond(
    link: MeterLink, stored: watermark.Number
) -> list[tuple[watermark.Number, watermark.Number | None]]:
    boot, seq = stored
    beyond = Q(boot__gt=boot) | Q(boot=boot, seq__gt=seq)
    found: list[tuple[watermark.Number, watermark.Number | None]] = []
    for model in (Event, Reading):
        rows = model._default_manager.filter(beyond, meter_id=link.meter_id).values_list(
            "boot", "seq", "after_boot", "after_seq"
        )
        for its_boot, its_seq, after_boot, after_seq in rows:
            after: watermark.Number | None = None
            if after_boot is not None and after_seq is not None:
                after = (after_boot, after_seq)
            found.append(((its_boot, its_seq), after))
    return sorted(found, key=lambda each: each[0])


def _moment(utc: int | None) -> datetime.datetime | None:
    return None if utc is None else datetime.datetime.fromtimestamp(utc, datetime.UTC)
