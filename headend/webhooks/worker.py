"""The worker's loop: derive events, send due ones in parallel, record the outcome.

Sending happens in threads that touch no database; everything else in the worker's own.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from headend.config import workers
from headend.config.dueness import is_due
from headend.config.sealing import Unreadable
from headend.webhooks import derivation, given_up, retries, signing
from headend.webhooks.models import Delivery, Event, Subscription
from headend.webhooks.sending import ANSWER_S, CONNECT_S, Outcome
from headend.webhooks.services import valid_secrets

log = logging.getLogger(__name__)

RETENTION = timedelta(days=30)
SIDE_BY_SIDE = 16  # exchanges at once
FOR_ONE = 8  # of them with one receiver
# A delivery that a worker began and did not end, because it died, is begun again after this.
LEASE = timedelta(seconds=4 * CONNECT_S + ANSWER_S + 60)
_SOON_S = 0.2
_SWEEP_EVERY_S = 60.0
_NOTE_SUCCESS_EVERY = timedelta(minutes=1)
_REMOVED_AT_ONCE = 1000


class Sends(Protocol):
    """What sends: `sending.Sender`."""

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """Send a body once."""


class Worker:
    """Tells programs what happened; several may run side by side.

    Args:
        sender: what sends.
        chance: gives a number 0..1 at random.
    """

    def __init__(self, sender: Sends, *, chance: Callable[[], float] = random.random) -> None:
        self._sender = sender
        self._chance = chance
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="webhook")
        self._under_way: dict[Future[Outcome], Delivery] = {}
        self._sweep_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; what is under way then is waited for."""
        workers.repeat(lambda: self.step(at=datetime.now(UTC)), what="webhooks", stop=stop)
        self.finish()

    def step(self, *, at: datetime) -> bool:
        """Do what there is to do now; return True if nothing is left and nothing under way."""
        if time.monotonic() >= self._sweep_at:
            sweep(at=at)
            self._sweep_at = time.monotonic() + _SWEEP_EVERY_S
        has_more = derivation.derive(at=at)
        begun = self._begin(at)
        if self._under_way:
            wait(self._under_way, timeout=_SOON_S, return_when=FIRST_COMPLETED)
        ended = self._note(at)
        return not (has_more or begun or ended or self._under_way)

    def finish(self) -> None:
        """Wait for what is under way and note it."""
        wait(self._under_way)
        self._note(datetime.now(UTC))
        self._pool.shutdown()

    def _begin(self, at: datetime) -> int:
        busy = Counter(one.subscription_id for one in self._under_way.values())
        free = SIDE_BY_SIDE - len(self._under_way)
        begun = lease(at=at, most=free, busy=busy) if free else []
        for delivery in begun:
            webhook, event = delivery.subscription, delivery.event
            body = event.body.encode()
            try:
                signed = signing.headers(
                    event_id=event.public_id,
                    body=body,
                    at=at,
                    secrets_valid=valid_secrets(webhook, at=at),
                )
            except Unreadable as error:
                note_all([(delivery, Outcome(None, str(error)))], at=at, chance=self._chance)
                continue
            headers = {
                "Content-Type": "application/json",
                "User-Agent": "OpenPrepay-Webhooks/1",
                **signed,
            }
            future = self._pool.submit(self._sender.send, webhook.url, body, headers)
            self._under_way[future] = delivery
        return len(begun)

    def _note(self, at: datetime) -> int:
        ended = [future for future in self._under_way if future.done()]
        if ended:
            outcomes = [(self._under_way[future], future.result()) for future in ended]
            note_all(outcomes, at=at, chance=self._chance)
        for future in ended:
            del self._under_way[future]
        return len(ended)


def lease(*, at: datetime, most: int, busy: Counter[int]) -> list[Delivery]:
    """Return deliveries to begin now, and keep other workers from them for a while.

    Args:
        at: now.
        most: how many at most.
        busy: how many are under way, by webhook; one that rests or fails gets one at a time.
    """
    awake = Q(resting_until=None) | is_due("resting_until", at=at, longest=retries.LONGEST_REST)
    due = Delivery.objects.filter(
        _is_due(at), subscription=OuterRef("pk"), state=Delivery.State.PENDING
    )
    waiting = Subscription.objects.filter(awake, Exists(due), state=Subscription.State.ACTIVE)
    begun: list[Delivery] = []
    for webhook in waiting.order_by("?"):
        at_once = FOR_ONE if webhook.failures < retries.FAILURES_BEFORE_REST else 1
        wanted = min(at_once - busy[webhook.pk], most - len(begun))
        if wanted > 0:
            begun += _leased(webhook, wanted, at)
    return begun


def _is_due(at: datetime) -> Q:
    return is_due("next_attempt_at", at=at, longest=retries.LONGEST_DELAY)


@transaction.atomic
def _leased(webhook: Subscription, most: int, at: datetime) -> list[Delivery]:
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
    due = rows.filter(
        _is_due(at), subscription=webhook, state=Delivery.State.PENDING
    ).select_related("event", "subscription")
    begun = list(due.order_by("next_attempt_at", "pk")[:most])
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in begun]).update(
        attempts=F("attempts") + 1, last_attempt_at=at, next_attempt_at=at + LEASE
    )
    for delivery in begun:
        delivery.attempts += 1
    return begun


@transaction.atomic
def note_all(
    outcomes: Sequence[tuple[Delivery, Outcome]], *, at: datetime, chance: Callable[[], float]
) -> None:
    """Note what became of attempts, and when the next ones are due.

    Args:
        outcomes: deliveries as they were leased, each with what became of it.
        at: now.
        chance: gives a number 0..1 at random.
    """
    taken: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    for delivery, outcome in outcomes:
        if outcome.error:
            _note_failure(delivery, outcome, at=at, chance=chance())
        else:
            taken[delivery.subscription_id, outcome.status].append(delivery.pk)
    for (webhook_id, status), deliveries in taken.items():
        _note_taken(webhook_id, deliveries, status, at=at)


def _note_taken(webhook_id: int, deliveries: list[int], status: int | None, at: datetime) -> None:
    Delivery.objects.filter(pk__in=deliveries, state=Delivery.State.PENDING).update(
        state=Delivery.State.DELIVERED, delivered_at=at, last_status=status, last_error=""
    )
    stale = Q(failures__gt=0) | Q(last_success_at=None)
    stale |= Q(last_success_at__lt=at - _NOTE_SUCCESS_EVERY)
    Subscription.objects.filter(stale, pk=webhook_id).update(
        failures=0, resting_until=None, last_success_at=at
    )


def _note_failure(delivery: Delivery, outcome: Outcome, *, at: datetime, chance: float) -> None:
    facts: dict[str, object] = {"last_status": outcome.status, "last_error": outcome.error[:300]}
    # Unless it was asked for anew meanwhile.
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.PENDING, attempts=delivery.attempts
    )
    if retries.is_last(delivery.attempts):
        if mine.update(state=Delivery.State.DEAD, **facts):
            given_up.tell(delivery.subscription, why=outcome.error, at=at)
    else:
        pause = retries.delay(delivery.attempts, chance=chance, wished_s=outcome.wished_s)
        mine.update(next_attempt_at=at + pause, **facts)
    webhook = Subscription.objects.filter(pk=delivery.subscription_id)
    webhook.update(failures=F("failures") + 1)
    rest = retries.rest(webhook.values_list("failures", flat=True)[0])
    if rest is not None:
        webhook.update(resting_until=at + rest)


def sweep(*, at: datetime) -> None:
    """Give up what nobody took for days, and forget what is old; a batch at a time."""
    with transaction.atomic():
        _give_up(at)
    old = Event.objects.filter(made_at__lt=at - RETENTION).order_by("pk")
    Event.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:_REMOVED_AT_ONCE])).delete()
    given_up.look_at_all(at=at)


def _give_up(at: datetime) -> None:
    too_long = Delivery.objects.filter(
        state=Delivery.State.PENDING,
        queued_at__lt=at - retries.GIVE_UP_AFTER,
        subscription__state=Subscription.State.ACTIVE,
    )
    late = Exists(too_long.filter(subscription=OuterRef("pk")))
    for webhook in Subscription.objects.filter(late).select_related("program"):
        if too_long.filter(subscription=webhook).update(state=Delivery.State.DEAD):
            days = retries.GIVE_UP_AFTER.days
            given_up.tell(webhook, why=f"nobody took it for {days} days", at=at)
