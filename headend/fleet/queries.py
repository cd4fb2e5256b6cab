"""Reads of what is known about meters in the field."""

from __future__ import annotations

from django.db.models import QuerySet

from headend.fleet.delivery import UNFINISHED
from headend.fleet.models import Command, Event, MeterLink, MeterState, Reading, WorkItem
from headend.meters.models import Meter

_READY = "ready_for_reconnection"  # by a key press; the meter tells it among the reasons


def latest_state(meter: Meter) -> MeterState | None:
    """Return the last state that the meter told, None if it never did."""
    return MeterState.objects.filter(meter=meter).first()


def load_switch(state: MeterState) -> str:
    """Return the state of a meter's load switch as IEC 62056-6-2 names it (Disconnect control)."""
    if state.relay_closed:
        return "connected"
    return _READY if _READY in state.open_reasons else "disconnected"


def link_of(meter: Meter) -> MeterLink | None:
    """Return the meter's presence and numbering, None if nothing was ever to be sent or heard."""
    return MeterLink.objects.filter(meter=meter).first()


def unfinished_commands(meter: Meter) -> QuerySet[Command]:
    """Return the meter's commands that are still on their way, in the order they will go."""
    return Command.objects.filter(meter=meter, state__in=UNFINISHED).order_by("id")


def events_of(meter: Meter) -> QuerySet[Event]:
    """Return the meter's events, newest first by the meter's own numbering."""
    return Event.objects.filter(meter=meter).order_by("-boot", "-seq")


def readings_of(meter: Meter) -> QuerySet[Reading]:
    """Return the meter's readings in order of time."""
    return Reading.objects.filter(meter=meter).order_by("interval_end")


def work_items_of(meter: Meter) -> QuerySet[WorkItem]:
    """Return what somebody has to look at because of a meter, oldest first."""
    return WorkItem.objects.filter(meter=meter, closed_at=None).order_by("id")
