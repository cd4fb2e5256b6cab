"""Creates, changes, pauses, replays and ends webhooks, and replaces their secrets."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from headend.accounts.models import User
from headend.accounts.programs import grant
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config.errors import NotPermitted
from headend.vendors.seats import ACT_FOR_UTILITY
from headend.webhooks import derivation, given_up, guard, signing
from headend.webhooks.errors import InvalidWebhook, WebhookEnded
from headend.webhooks.kinds import KINDS, TEST
from headend.webhooks.models import Delivery, Event, Subscription

MANAGE, SUBSCRIBE = "webhooks.manage_webhooks", "webhooks.subscribe"
OLD_SECRET_LIVES = timedelta(days=1)
MOST_PER_PROGRAM = 20
_LONGEST_NAME = 100


class NewSecret(NamedTuple):
    """A webhook and the secret that signs for it, which nobody can show again."""

    webhook: Subscription
    text: str


def allowed_networks() -> list[guard.Network]:
    """Return the networks besides the internet to which events may be sent."""
    return guard.networks(settings.WEBHOOK_NETWORKS)


@transaction.atomic
def subscribe(
    *, program: User, name: str, url: str, kinds: Iterable[str], by: User, at: datetime
) -> NewSecret:
    """Have a program told of some kinds of events from now on.

    Args:
        program: who is told, within what it may see; a person who creates a webhook for it gives
            it the permissions that the kinds need.
        name: what it is for, 1..100 characters.
        url: https address to which each event is sent.
        kinds: names of KINDS, at least one.
        by: the program itself, which needs webhooks.subscribe, or somebody who manages webhooks.
        at: now.

    Raises:
        InvalidWebhook: name, address or kinds can't be, or the program has too many.
        NotPermitted: the program may not be told of one of the kinds.
    """
    _require_for(program, by)
    wanted = _checked(name, url, kinds)
    living = program.webhooks.exclude(state=Subscription.State.ENDED)
    if living.count() >= MOST_PER_PROGRAM:
        raise InvalidWebhook(f"{program} has {MOST_PER_PROGRAM} webhooks; end one first")
    _let_know(program, wanted, by)
    secret = signing.new_secret()
    webhook = Subscription.objects.create(
        program=program,
        name=name.strip(),
        url=url,
        kinds=wanted,
        sealed_secret=b"",
        created_by=by,
        created_at=at,
    )
    webhook.sealed_secret = signing.seal(secret, webhook_id=webhook.pk)
    webhook.save(update_fields=["sealed_secret"])
    derivation.begin()
    after = {"program": program.username, "url": url, "kinds": wanted}
    audit.record(actor=by, action="webhooks.subscribe", target=webhook, at=at, after=after)
    return NewSecret(webhook, secret)


@transaction.atomic
def change(
    webhook: Subscription, *, name: str, url: str, kinds: Iterable[str], by: User, at: datetime
) -> Subscription:
    """Send to another address, or other kinds, from now on.

    Args: as for `subscribe`.

    Raises:
        InvalidWebhook, NotPermitted: as `subscribe`.
        WebhookEnded: it has ended.
    """
    wanted = _checked(name, url, kinds)
    webhook = _living(webhook, by)
    _let_know(webhook.program, wanted, by)
    before = {"name": webhook.name, "url": webhook.url, "kinds": webhook.kinds}
    webhook.name, webhook.url, webhook.kinds = name.strip(), url, wanted
    webhook.failures, webhook.resting_until = 0, None
    webhook.save(update_fields=["name", "url", "kinds", "failures", "resting_until"])
    after = {"name": webhook.name, "url": url, "kinds": wanted}
    audit.record(
        actor=by, action="webhooks.change", target=webhook, at=at, before=before, after=after
    )
    return webhook


def pause(webhook: Subscription, *, by: User, at: datetime) -> Subscription:
    """Send nothing for a while; events are kept and sent afterwards."""
    return _set_state(webhook, Subscription.State.PAUSED, by=by, at=at)


def resume(webhook: Subscription, *, by: User, at: datetime) -> Subscription:
    """Send again, what was kept first."""
    with transaction.atomic():
        webhook = _set_state(webhook, Subscription.State.ACTIVE, by=by, at=at)
        kept = webhook.deliveries.filter(state=Delivery.State.PENDING)
        kept.update(attempts=0, queued_at=at, next_attempt_at=at)
    return webhook


@transaction.atomic
def end(webhook: Subscription, *, by: User, at: datetime) -> Subscription:
    """End a webhook for good; what was not delivered is given up."""
    webhook = _set_state(webhook, Subscription.State.ENDED, by=by, at=at)
    waiting = webhook.deliveries.filter(state=Delivery.State.PENDING)
    waiting.update(state=Delivery.State.DEAD, last_error="the webhook was ended")
    given_up.look_again(webhook, at=at)
    return webhook


@transaction.atomic
def exchange_secret(webhook: Subscription, *, by: User, at: datetime) -> NewSecret:
    """Make a new secret; for a day the old one signs as well, so that no event is refused."""
    webhook = _living(webhook, by)
    secret = signing.new_secret()
    webhook.sealed_old_secret = webhook.sealed_secret
    webhook.old_secret_until = at + OLD_SECRET_LIVES
    webhook.sealed_secret = signing.seal(secret, webhook_id=webhook.pk)
    webhook.save(update_fields=["sealed_old_secret", "old_secret_until", "sealed_secret"])
    after = {"old_secret_until": webhook.old_secret_until}
    audit.record(actor=by, action="webhooks.exchange_secret", target=webhook, at=at, after=after)
    return NewSecret(webhook, secret)


def valid_secrets(webhook: Subscription, *, at: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first."""
    found = [signing.unseal(webhook.sealed_secret, webhook_id=webhook.pk)]
    if webhook.old_secret_until is not None and at < webhook.old_secret_until:
        found.append(signing.unseal(webhook.sealed_old_secret, webhook_id=webhook.pk))
    return found


@transaction.atomic
def send_test(webhook: Subscription, *, by: User, at: datetime) -> Delivery:
    """Queue an event that only shows whether events arrive."""
    webhook = _living(webhook, by)
    event_id = derivation.new_event_id()
    event = Event.objects.create(
        public_id=event_id,
        key=f"{TEST} {uuid.uuid4().hex}",
        kind=TEST,
        at=at,
        body=derivation.body_of(event_id, TEST, at, {"webhook_id": webhook.pk}),
        made_at=at,
    )
    return Delivery.objects.create(
        subscription=webhook, event=event, queued_at=at, next_attempt_at=at
    )


@transaction.atomic
def replay(webhook: Subscription, which: QuerySet[Delivery], *, by: User, at: datetime) -> int:
    """Send events again, delivered or given up, with the ids they had.

    Args:
        webhook: whose.
        which: some of its deliveries; those that wait anyway are sent at once.
        by: who asks.
        at: now.

    Returns:
        How many are queued.
    """
    webhook = _living(webhook, by)
    queued = which.filter(subscription=webhook).update(
        state=Delivery.State.PENDING, attempts=0, queued_at=at, next_attempt_at=at, last_error=""
    )
    webhook.failures, webhook.resting_until = 0, None
    webhook.save(update_fields=["failures", "resting_until"])
    given_up.look_again(webhook, at=at)
    audit.record(
        actor=by, action="webhooks.replay", target=webhook, at=at, after={"queued": queued}
    )
    return queued


def _set_state(webhook: Subscription, state: str, *, by: User, at: datetime) -> Subscription:
    with transaction.atomic():
        webhook = _living(webhook, by)
        before, webhook.state = webhook.state, state
        webhook.failures, webhook.resting_until = 0, None
        webhook.save(update_fields=["state", "failures", "resting_until"])
        audit.record(
            actor=by,
            action="webhooks.set_state",
            target=webhook,
            at=at,
            before={"state": before},
            after={"state": str(state)},
        )
    return webhook


def _living(webhook: Subscription, by: User) -> Subscription:
    """Return a webhook as it is now, held, for somebody who may change it."""
    rows = Subscription.objects.select_for_update(of=("self",)).select_related("program")
    webhook = rows.get(pk=webhook.pk)
    _require_for(webhook.program, by)
    if webhook.state == Subscription.State.ENDED:
        raise WebhookEnded(f"{webhook} has ended; create another one")
    return webhook


def _require_for(program: User, by: User) -> None:
    require(by, SUBSCRIBE if by == program else MANAGE)


def _let_know(program: User, kinds: list[str], by: User) -> None:
    """See that a program may be told: a person gives it what is missing, itself it can't."""
    if by != program:
        # Of the utility's sales too; a vendor's program is told of that vendor's all the same.
        grant(program, {KINDS[kind].permission for kind in kinds} | {ACT_FOR_UTILITY})
        return
    unknown = [kind for kind in kinds if not program.has_perm(KINDS[kind].permission)]
    if unknown:
        raise NotPermitted(
            f"{program.username} may not be told of {', '.join(unknown)}; a utility administrator "
            "can create this webhook for it"
        )


def _checked(name: str, url: str, kinds: Iterable[str]) -> list[str]:
    wanted = sorted(set(kinds))
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise InvalidWebhook("describe in up to 100 characters what the webhook is for")
    unknown = [kind for kind in wanted if kind not in KINDS]
    if unknown or not wanted:
        raise InvalidWebhook(f"choose one or more of the kinds {', '.join(KINDS)}")
    guard.target(url, allowed=allowed_networks())
    return wanted


def which_again(
    webhook: Subscription, *, event_id: str | None = None, since: datetime | None = None
) -> QuerySet[Delivery]:
    """Return which deliveries of a webhook are meant to be sent again.

    Args:
        webhook: whose.
        event_id: only this event, delivered or not.
        since: otherwise all of what happened from this instant on; without either, those that were
            given up.
    """
    found: Any = webhook.deliveries.all()
    if event_id is not None:
        return found.filter(event__public_id=event_id)
    if since is not None:
        return found.filter(event__at__gte=since)
    return found.filter(state=Delivery.State.DEAD)
