"""Meter data: state, readings and events."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from ninja import Path, Router, Schema

from headend.api.registers import Since, Until
from headend.api.requests import Cursor, KeyRequest, Limit, between, needs, page
from headend.api.schemas import MeterNumber, Page
from headend.config.ids import EventId, ReadingId
from headend.fleet import obis, queries, wording
from headend.fleet.models import Event, MeterState, Reading
from headend.meters.queries import meter_numbered
from shared.wire import code_names, codes

router = Router(tags=["what meters tell"])
_USUAL_LIMIT = 50


class RegisterOut(Schema):
    """A register under its OBIS code (IEC 62056-6-1): value × 10^scaler in the unit."""

    obis: str  # "1-0:1.8.0"
    quantity: str | None  # in words; null: of newer firmware, not known here
    value: int
    scaler: int
    unit: str | None  # Wh, varh, VAh, W, V


class ToldStateOut(Schema):
    """How a meter said it stands; states have the names of IEC 62056-6-2."""

    received_at: datetime
    payment_mode: str  # prepayment or postpayment
    account_status: str  # new, active or closed
    credit_status: str | None  # in_credit, low_credit or out_of_credit
    credit_wh: int  # what is left; below 0: used beyond it
    low_credit_wh: int | None  # from here on the meter warns
    load_switch: str  # connected, disconnected or ready_for_reconnection
    open_reasons: list[str]  # why the load switch is open
    clock_quality: str  # set, restored, simulated or unset
    registers: list[RegisterOut]
    sgc: str | None
    krn: int | None
    ti: int | None
    firmware: str | None


class MeterStateOut(Schema):
    """How a meter stands, as far as it told."""

    meter: str
    online: bool
    last_heard_at: datetime | None
    state: ToldStateOut | None  # null: it never told


class ReadingOut(Schema):
    """The registers of a meter at the end of an interval."""

    id: ReadingId
    interval_end: datetime
    clock_was_set: bool  # false: the end is not known, `interval_end` is when it arrived
    received_at: datetime
    credit_wh: int | None
    registers: list[RegisterOut]


class EventOut(Schema):
    """Something a meter noticed."""

    id: EventId
    code: int
    name: str
    occurred_at: datetime | None  # by the meter's clock; null if that was never set
    received_at: datetime
    is_suspicious: bool  # tampering, or an order that somebody forged
    detail: dict[str, Any]


@router.get("/meters/{number}/state", **needs("meters:readings", MeterStateOut))
def read_state(request: KeyRequest, number: Path[MeterNumber]) -> dict[str, Any]:
    """Read a meter's state: credit, load switch, payment mode, and when it was last heard."""
    meter = meter_numbered(number)
    link, state = queries.link_of(meter), queries.latest_state(meter)
    return {
        "meter": meter.drn,
        "online": link is not None and link.online,
        "last_heard_at": link.last_heard_at if link else None,
        "state": _state(state) if state else None,
    }


@router.get("/meters/{number}/readings", **needs("meters:readings", Page[ReadingOut]))
def list_readings(
    request: KeyRequest,
    number: Path[MeterNumber],
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List a meter's readings by the ends of their intervals, latest first."""
    found = between(queries.readings_of(meter_numbered(number)), "interval_end", since, until)
    return page(found, cursor=cursor, limit=limit, give=_reading, by="interval_end")


@router.get("/meters/{number}/events", **needs("meters:readings", Page[EventOut]))
def list_events(
    request: KeyRequest,
    number: Path[MeterNumber],
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List a meter's events by time of arrival, latest first."""
    found = between(queries.events_of(meter_numbered(number)), "received_at", since, until)
    return page(found, cursor=cursor, limit=limit, give=_event)


def _state(one: MeterState) -> dict[str, Any]:
    told = one.content
    return {
        "received_at": one.received_at,
        "payment_mode": one.payment_mode,
        "account_status": one.account_status,
        "credit_status": told.get("credit_status"),
        "credit_wh": one.credit_wh,
        "low_credit_wh": told.get("low_credit_wh"),
        "load_switch": queries.load_switch(one),
        "open_reasons": one.open_reasons,
        "clock_quality": one.clock_quality,
        "registers": [asdict(each) for each in obis.of_state(one)],
        "sgc": told.get("sgc"),
        "krn": told.get("krn"),
        "ti": told.get("ti"),
        "firmware": told.get("firmware"),
    }


def _reading(one: Reading) -> dict[str, Any]:
    return {
        "id": one.pk,
        "interval_end": one.interval_end,
        "clock_was_set": one.clock_was_set,
        "received_at": one.received_at,
        "credit_wh": one.credit_wh,
        "registers": [asdict(each) for each in obis.of_reading(one)],
    }


def _event(one: Event) -> dict[str, Any]:
    return {
        "id": one.pk,
        "code": one.code,
        "name": code_names.event_name(one.code),
        "occurred_at": one.occurred_at,
        "received_at": one.received_at,
        "is_suspicious": codes.is_fraud_event(one.code),
        "detail": wording.told_to_programs(one.detail),
    }
