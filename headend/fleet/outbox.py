"""What the gateway has to publish: commands with their numbers, and watermarks.

A command gets its number and its signed bytes in the database before the broker sees it, so a
resend, by whichever process, is always the same bytes.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from headend.config.dueness import is_due
from headend.config.errors import Refusal
from headend.fleet.delivery import (
    IN_DELIVERY,
    LONGEST_DELAY,
    UNSENT,
    Occurrence,
    State,
    resend_delay,
)
from headend.fleet.keyring import KeyRing
from headend.fleet.models import Command, MeterLink, MeterState
from headend.fleet.services import lock_link
from headend.fleet.steps import step
from headend.fleet.work_items import open_work_item
from shared.wire import commands, messages, topics

log = logging.getLogger(__name__)

# An answer may be on its way when a command expires; the meter itself judges by its own clock.
_GRACE = datetime.timedelta(seconds=30)
_TRUSTED_CLOCKS = ("set", "simulated")


@dataclass(frozen=True)
class Publication:
    """One message for the broker.

    Attributes:
        topic: where it goes.
        payload: its signed bytes.
        retain: whether the broker keeps it for later subscribers.
        command_id: the command it carries, if any.
        number: that command's number.
        link_id: the link whose watermark it carries, if any.
        watermark: that watermark.
    """

    topic: str
    payload: bytes
    retain: bool = False
    command_id: int | None = None
    number: int | None = None
    link_id: int | None = None
    watermark: tuple[int, int] | None = None


def expire(*, at: datetime.datetime) -> int:
    """End commands whose time has run out; return how many."""
    out_of_time = Command.objects.filter(
        Q(state__in=UNSENT, expires_at__lte=at)
        | Q(state__in=IN_DELIVERY, expires_at__lte=at - _GRACE)
    )
    ended = 0
    for command_id in out_of_time.values_list("pk", flat=True)[:200]:
        with transaction.atomic():
            command = Command.objects.select_related("meter").get(pk=command_id)
            lock_link(command.meter)
            command.refresh_from_db()
            if not step(command, Occurrence.TIME_RAN_OUT, at=at):
                continue
            ended += 1
            if command.requested_by_id is not None:
                open_work_item(
                    kind="delivery",
                    cause=f"command {command.pk}",
                    summary=f"{command.command} for meter {command.meter.drn} was not answered "
                    "in time; see whether the meter is connected and order it again",
                    at=at,
                    meter=command.meter,
                    command=command,
                )
    return ended


def commands_due(*, at: datetime.datetime, limit: int, keys: KeyRing) -> list[Publication]:
    """Number what may go next and claim what is due to be published.

    Only meters that are connected are sent to, one unfinished command each. A claim holds until
    the resend delay has passed, so that a worker that dies only delays the command.

    Args:
        at: now.
        limit: most commands in one go.
        keys: the meters' message keys.
    """
    if limit <= 0:
        return []
    next_in_line = _next_in_line(at=at, limit=limit)
    ready = Command.objects.filter(
        is_due("next_attempt_at", at=at, longest=LONGEST_DELAY),
        state__in=IN_DELIVERY,
        meter__link__online=True,
    )
    if not next_in_line and not ready.exists():  # the usual case, and it needs no lock
        return []
    with transaction.atomic():
        for command_id in next_in_line:
            _number(command_id, at=at, keys=keys)
        due = list(
            ready.select_for_update(skip_locked=True, of=("self",))
            .select_related("meter")
            .order_by("next_attempt_at", "id")[:limit]
        )
        for command in due:
            command.publications += 1
            command.next_attempt_at = at + resend_delay(command.publications)
            command.save(update_fields=["publications", "next_attempt_at"])
    return [
        Publication(
            topic=topics.down(command.meter.drn, settings.TOPIC_PREFIX),
            payload=bytes(command.payload),
            command_id=command.pk,
            number=command.number,
        )
        for command in due
    ]


def _next_in_line(*, at: datetime.datetime, limit: int) -> list[int]:
    """Return, by meter, the first waiting command of each meter that is ready for one.

    A meter is ready when it is online, nothing is under way to it, and its state of this power-up
    is known, which follows right after it comes online.
    """
    waiting = Command.objects.filter(
        Q(next_attempt_at=None) | is_due("next_attempt_at", at=at, longest=LONGEST_DELAY),
        Q(expires_at=None) | Q(expires_at__gt=at),
        state__in=UNSENT,
    )
    of_meter = {"meter": OuterRef("meter")}
    first = waiting.filter(
        ~Exists(Command.objects.filter(state__in=IN_DELIVERY, **of_meter)),
        ~Exists(waiting.filter(pk__lt=OuterRef("pk"), **of_meter)),
        meter__link__online=True,
        meter__link__boot=F("meter__state__boot"),
    )
    return list(first.order_by("meter_id").values_list("pk", flat=True)[:limit])


def _number(command_id: int, *, at: datetime.datetime, keys: KeyRing) -> None:
    """Give a command its number and its bytes, if its meter is ready for it."""
    command = Command.objects.select_related("meter").get(pk=command_id)
    link = lock_link(command.meter)
    command.refresh_from_db(fields=["state"])
    state = MeterState.objects.filter(meter=command.meter).first()
    busy = Command.objects.filter(meter=command.meter, state__in=IN_DELIVERY).exists()
    if busy or command.state not in UNSENT or state is None or state.boot != link.boot:
        return  # somebody was quicker
    # The meter's own count matters after the head-end's database was restored from a backup.
    number = max(link.last_command_number, state.last_command_number) + 1
    try:
        payload = keys.sign_down(command.meter, _claims(command, number, state, at=at))
    except Refusal as error:
        open_work_item(
            kind="delivery",
            cause=f"command {command.pk}",
            summary=f"{command.command} for meter {command.meter.drn} cannot be signed: {error}",
            at=at,
            meter=command.meter,
            command=command,
        )
        command.next_attempt_at = at + datetime.timedelta(minutes=1)
        command.save(update_fields=["next_attempt_at"])
        return
    link.last_command_number = number
    link.save(update_fields=["last_command_number"])
    command.number = number
    command.payload = payload
    command.publications = 0
    command.next_attempt_at = at
    step(command, Occurrence.NUMBERED, at=at)


def _claims(
    command: Command, number: int, state: MeterState, *, at: datetime.datetime
) -> dict[str, Any]:
    now = int(at.timestamp())
    arguments = dict(command.arguments)
    if command.command == commands.SET_CLOCK:
        arguments = command.arguments = {"utc": now}
    expires_at = None if command.expires_at is None else int(command.expires_at.timestamp())
    claims: dict[str, Any] = messages.command_claims(
        command.meter.drn,
        number,
        now,
        command.command,
        arguments,
        exp=expires_at,
        boot=None if state.clock_quality in _TRUSTED_CLOCKS else state.boot_nonce,
    )
    return claims


def resume(*, at: datetime.datetime) -> None:
    """Make due what the broker never acknowledged: a worker may have died holding it."""
    Command.objects.filter(state=State.QUEUED).update(next_attempt_at=at)


def broker_took(publication: Publication, *, at: datetime.datetime) -> None:
    """Note that the broker acknowledged a publication."""
    with transaction.atomic():
        if publication.command_id is not None:
            command = Command.objects.select_related("meter").get(pk=publication.command_id)
            lock_link(command.meter)
            command.refresh_from_db()
            if command.number == publication.number and command.state == State.QUEUED:
                step(command, Occurrence.BROKER_TOOK, at=at)
        elif publication.link_id is not None and publication.watermark is not None:
            boot, seq = publication.watermark
            MeterLink.objects.filter(
                pk=publication.link_id, stored_boot=boot, stored_seq=seq
            ).update(watermark_due=False)


def watermarks_due(
    *, limit: int, keys: KeyRing, except_links: Collection[int | None] = ()
) -> list[Publication]:
    """Return the watermarks to publish; each stays due until the broker has taken it.

    Args:
        limit: most watermarks in one go.
        keys: the meters' message keys.
        except_links: links whose watermark is on its way to the broker.
    """
    due = []
    links = MeterLink.objects.select_related("meter").filter(watermark_due=True)
    wanted = links.exclude(pk__in=[each for each in except_links if each is not None])
    for link in wanted.order_by("pk")[: max(limit, 0)]:
        watermark = (link.stored_boot, link.stored_seq)
        claims = messages.stored_claims(link.meter.drn, *watermark)
        try:
            payload = keys.sign_down(link.meter, claims)
        except Refusal as error:
            log.warning("no watermark for meter %s: %s", link.meter.drn, error)
            continue
        due.append(
            Publication(
                topic=topics.stored(link.meter.drn, settings.TOPIC_PREFIX),
                payload=payload,
                retain=True,
                link_id=link.pk,
                watermark=watermark,
            )
        )
    return due
