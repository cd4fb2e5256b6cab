"""Reads for the meter pages: lists, one meter's life, its charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from headend.accounts.models import User
from headend.customers.models import FormerMeter, SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.customers.search import among_supplies, number_in
from headend.design import words
from headend.design.chart import NARROW, WIDE, Chart, Point, bar_chart, line_chart
from headend.design.figures import kwh
from headend.fleet import orders, wording
from headend.fleet.consumption import PERIODS, Period, Register, Step, beginning, steps
from headend.fleet.delivery import UNSENT
from headend.fleet.models import Command, Event, Reading
from headend.meters.models import Meter
from headend.vendors.queries import vendor_of
from shared.wire import code_names, codes

COMMANDS_SHOWN = 12
EVENTS_SHOWN = 15
SERVED_SHOWN = 10

LOW = [codes.LOW_CREDIT, codes.OUT_OF_CREDIT]
# Filters of the list of meters: name in the address -> title and condition.
FILTERS: dict[str, tuple[str, Q]] = {
    "online": ("Online", Q(link__online=True)),
    "offline": ("Offline", ~Q(link__online=True)),
    "open": ("Load switch open", Q(state__relay_closed=False)),
    "low": ("Low or no credit", Q(state__content__credit_status__in=LOW)),
    "postpayment": ("Post-payment", Q(state__payment_mode="postpayment")),
}  # fmt: skip


def find_meters(text: str, *, only: str) -> QuerySet[Meter]:
    """Return meters by number, each with its latest state and its link.

    Args:
        text: number, customer, address or phone; empty: all.
        only: a name of FILTERS; anything else: all.
    """
    meters = Meter.objects.select_related("state", "link")
    if text.strip():
        wanted = among_supplies(text, column="pk", of="meter")
        number = number_in(text)
        if number:
            wanted |= Q(drn__startswith=number) | Q(pan=number)
        meters = meters.filter(wanted)
    if only in FILTERS:
        meters = meters.filter(FILTERS[only][1])
    return meters.order_by("drn")


def served_by(meters: list[Meter], *, at: datetime) -> dict[int, SupplyAgreement]:
    """The agreement in force of each meter, by the meter's key."""
    return {one.meter_id: one for one in agreements_in_force().filter(meter__in=meters)}


@dataclass(frozen=True)
class Served:
    """Whom a meter served until when, and which meter took its place there, if one did."""

    agreement: SupplyAgreement
    until: datetime
    replaced_by: Meter | None


def served_before(meter: Meter) -> list[Served]:
    """Return whom a meter served before now, newest first."""
    ended = SupplyAgreement.objects.filter(meter=meter, ended_at__isnull=False)
    found = [
        Served(one, one.ended_at, None)
        for one in ended.select_related("customer", "premises").order_by("-ended_at")[
            :SERVED_SHOWN
        ]
        if one.ended_at is not None
    ]
    for former in (
        FormerMeter.objects.filter(meter=meter)
        .select_related("agreement__customer", "agreement__premises")
        .order_by("-served_until")[:SERVED_SHOWN]
    ):
        found.append(Served(former.agreement, former.served_until, _next_after(former)))
    return sorted(found, key=lambda one: one.until, reverse=True)[:SERVED_SHOWN]


def _next_after(former: FormerMeter) -> Meter:
    """Return the meter that took the place of one; itself replaced by now, or still there."""
    later = former.agreement.former_meters.filter(served_from__gte=former.served_until).first()
    return later.meter if later else former.agreement.meter


@dataclass(frozen=True)
class HistoryItem:
    """One command as the history shows it."""

    command: Command
    title: str
    sentence: str
    answer: str
    detail: str
    may_cancel: bool


def history(meter: Meter, *, seen_by: User) -> list[HistoryItem]:
    """The meter's last commands, newest first; a vendor's people see what their own asked for."""
    commands = meter.commands.select_related("requested_by").order_by("-id")
    vendor = vendor_of(seen_by)
    if vendor is not None:
        commands = commands.filter(requested_by__vendor_operator__vendor=vendor)
    newest = commands[:COMMANDS_SHOWN]
    return [
        HistoryItem(
            command=one,
            title=orders.title_of(one),
            sentence=words.delivery(one.state),
            answer=wording.answer_of(one),
            detail=wording.details(one.detail),
            may_cancel=one.state in UNSENT,
        )
        for one in newest
    ]


@dataclass(frozen=True)
class Happening:
    """One event as the page shows it."""

    event: Event
    name: str
    detail: str
    tone: str


def happenings(meter: Meter) -> list[Happening]:
    """The meter's last events, newest first."""
    return [
        Happening(
            event=one,
            name=code_names.event_name(one.code),
            detail=wording.details(one.detail),
            tone=wording.tone_of(one.code),
        )
        for one in meter.events.order_by("-id")[:EVENTS_SHOWN]
    ]


@dataclass(frozen=True)
class Usage:
    """Both charts of a period and the steps for the table beneath."""

    period: Period
    span: str
    used: list[Chart]
    credit: list[Chart]
    steps: list[Step]


def usage(meter: Meter, period_name: str, *, threshold_wh: int | None) -> Usage | None:
    """The meter's consumption and credit over a period up to its latest reading.

    Args:
        meter: whose.
        period_name: a name of PERIODS; anything else means a day.
        threshold_wh: the low-credit level to mark, if any.

    Returns:
        None as long as the meter has sent no reading.
    """
    readings = meter.readings.order_by("interval_end")
    last = readings.last()
    if last is None:
        return None
    period = PERIODS.get(period_name, PERIODS["day"])
    zone = timezone.get_current_timezone()
    start = beginning(period, last.interval_end, zone)
    end = start + period.length
    before = readings.filter(interval_end__lte=start).last()
    inside = readings.filter(interval_end__gt=start, interval_end__lte=end)
    registers = [_register(one) for one in [*([before] if before else []), *inside]]
    parts = steps(registers, period, start)
    used = [_point(one, period, one.used_wh, "used") for one in parts]
    left = [_point(one, period, one.credit_wh, "left") for one in parts]
    return Usage(
        period=period,
        span=f"{start:%Y-%m-%d %H:%M} to {end.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        used=[bar_chart(used, frame) for frame in (WIDE, NARROW)],
        credit=[line_chart(left, frame, threshold=threshold_wh) for frame in (WIDE, NARROW)],
        steps=parts,
    )


def _register(reading: Reading) -> Register:
    return Register(reading.interval_end, reading.energy_wh, reading.credit_wh)


def _point(step: Step, period: Period, energy_wh: int | None, word: str) -> Point:
    known = "not known" if energy_wh is None else f"{kwh(energy_wh)} kWh {word}"
    return Point(
        label=f"{step.start:{period.label}}",
        amount=energy_wh,
        title=f"{step.start:%Y-%m-%d %H:%M}: {known}",
    )
