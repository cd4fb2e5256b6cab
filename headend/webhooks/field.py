"""Derives happenings from the fleet's announcements: answers to commands, meter events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from headend.announcements.models import Announcement
from headend.customers.models import SupplyAgreement
from headend.fleet import wording
from headend.fleet.delivery import State, status_name
from headend.fleet.models import Command
from headend.fleet.models import Event as MeterEvent
from headend.vending.models import IssuedToken
from headend.webhooks.happenings import Happening, read
from shared.wire import code_names, codes, commands

EVENT_KINDS = {
    codes.EVENT_CREDIT_EXHAUSTED: "meter.credit_exhausted",
    codes.EVENT_SWITCH_OPENED: "meter.switched_off",
    codes.EVENT_SWITCH_CLOSED: "meter.switched_on",
    codes.EVENT_MODE_CHANGED: "meter.mode_changed",
    codes.EVENT_SWITCH_FAULT: "meter.fault",
    codes.EVENT_STORAGE_FAULT: "meter.fault",
    codes.EVENT_COMMAND_FORGED: "meter.tamper",
    codes.EVENT_COMMAND_REPLAYED: "meter.tamper",
    codes.EVENT_COVER_OPENED: "meter.tamper",
}


def of_announcements(announcements: Iterable[Announcement]) -> Iterator[Happening]:
    """Return what announcements tell of."""
    readers = {
        "fleet.command_finished": _finished,
        "fleet.event": _noticed,
        "fleet.low_credit": _low_credit,
    }
    for one in announcements:
        yield from read(lambda alike: readers[alike[0].happening](alike[0]), [one])


def _finished(one: Announcement) -> Iterator[Happening]:
    command = Command.objects.select_related("meter").get(pk=one.object_id)
    status = one.facts["status"]
    data = {
        "meter": command.meter.drn,
        "command_id": str(command.public_id),
        "state": one.facts["state"],
        "answer": "" if status is None else status_name(command.command, status),
    }
    is_done = one.facts["state"] == State.ACCEPTED
    key = f"command {command.pk} {one.facts['state']}"
    if command.command != commands.TOKEN:
        kind = "command.done" if is_done else "command.failed"
        yield Happening(kind, key, one.at, data | {"command": command.command})
        return
    token = IssuedToken.objects.filter(deliveries__command=command).select_related("sale").first()
    sale = token.sale if token else None
    data |= {
        "token_id": token.pk if token else None,
        "receipt_number": sale.receipt_number if sale else None,
    }
    kind = "token.delivered" if is_done else "token.rejected"
    yield Happening(kind, key, one.at, data, sale.vendor_id if sale else None)


def _noticed(one: Announcement) -> Iterator[Happening]:
    event = MeterEvent.objects.select_related("meter").get(pk=one.object_id)
    if event.code not in EVENT_KINDS:
        return
    data = {
        "meter": event.meter.drn,
        "code": event.code,
        "name": code_names.event_name(event.code),
        "occurred_at": event.occurred_at,
        "detail": wording.told_to_programs(event.detail),
    }
    yield Happening(EVENT_KINDS[event.code], f"event {event.pk}", one.at, data)


def _low_credit(one: Announcement) -> Iterator[Happening]:
    agreement = SupplyAgreement.objects.get(pk=one.object_id)
    data = {
        "meter": one.facts["meter"],
        "customer_id": agreement.customer_id,
        "agreement_id": agreement.pk,
        "credit_wh": one.facts["credit_wh"],
        "threshold_wh": one.facts["threshold_wh"],
    }
    yield Happening("meter.low_credit", f"announcement {one.pk}", one.at, data)
