"""`prepay webhooks`: lists, creates, pauses and ends webhooks, and replays events.

Exit status: 0 done, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from tools.headend.answers import answering, as_json, local_time, print_facts

_id = click.argument("webhook_id", metavar="ID")


def _now() -> datetime:
    return datetime.now(UTC)


@click.group()
def webhooks() -> None:
    """Send events to other programs."""


@webhooks.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Including ended ones.")
@as_json
def list_(with_ended: bool, json_wanted: bool) -> None:
    """List webhooks with their waiting and given-up events."""
    with answering(json_wanted):
        from headend.webhooks import queries
        from headend.webhooks.models import Subscription

        found = queries.webhooks()
        if not with_ended:
            found = found.exclude(state=Subscription.State.ENDED)
        facts = {"webhooks": [_facts(one) for one in found]}
        print_facts(
            json_wanted,
            facts,
            lambda told: "\n".join(map(_text, told["webhooks"])) or "Nobody is told anything.",
        )


@webhooks.command()
@click.argument("program")
@click.argument("url")
@click.option("--name", required=True, help="What it is for.")
@click.option(
    "--kind", "kinds", multiple=True, help="Kind of event; may be repeated; `kinds` lists them."
)
@as_json
def add(program: str, url: str, name: str, kinds: tuple[str, ...], json_wanted: bool) -> None:
    """Create a webhook for PROGRAM at URL; prints its secret, only this once."""
    with answering(json_wanted):
        from headend.accounts.programs import program_named
        from headend.accounts.services import console_user
        from headend.webhooks import services

        made = services.subscribe(
            program=program_named(program),
            name=name,
            url=url,
            kinds=kinds,
            by=console_user(),
            at=_now(),
        )
        facts = _facts(_webhook(made.webhook.pk)) | {"secret": made.text}
        print_facts(
            json_wanted,
            facts,
            lambda told: (
                f"{_text(told)}\n{told['secret']}\nKeep the secret: it is not shown again."
            ),
        )


@webhooks.command()
@as_json
def kinds(json_wanted: bool) -> None:
    """List the kinds of events."""
    with answering(json_wanted):
        from headend.webhooks.kinds import KINDS

        facts = {name: kind.purpose for name, kind in KINDS.items()}
        print_facts(
            json_wanted,
            facts,
            lambda told: "\n".join(f"{name}: {purpose}" for name, purpose in told.items()),
        )


@webhooks.command()
@_id
@as_json
def pause(webhook_id: str, json_wanted: bool) -> None:
    """Pause a webhook; its events are kept."""
    _act("pause", webhook_id, json_wanted)


@webhooks.command()
@_id
@as_json
def resume(webhook_id: str, json_wanted: bool) -> None:
    """Resume a webhook; kept events are sent first."""
    _act("resume", webhook_id, json_wanted)


@webhooks.command()
@_id
@as_json
def end(webhook_id: str, json_wanted: bool) -> None:
    """End a webhook for good."""
    _act("end", webhook_id, json_wanted)


@webhooks.command()
@_id
@as_json
def test(webhook_id: str, json_wanted: bool) -> None:
    """Send a test event."""
    _act("send_test", webhook_id, json_wanted)


@webhooks.command("given-up")
@click.option("--of", "webhook_id", metavar="ID", help="Only of this webhook.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@as_json
def given_up(webhook_id: str | None, limit: int, json_wanted: bool) -> None:
    """List events that were given up, latest first."""
    with answering(json_wanted):
        from headend.webhooks import queries
        from headend.webhooks.models import Delivery

        found = queries.deliveries(state=Delivery.State.DEAD)
        if webhook_id is not None:
            found = found.filter(subscription=_asked_for(webhook_id))
        facts = {"deliveries": [_delivery(one) for one in found[:limit]]}
        print_facts(
            json_wanted,
            facts,
            lambda told: (
                "\n".join(
                    f"{local_time(one['at'])}  {one['event']}  {one['kind']}  to "
                    f"{one['webhook']} ({one['name']}): {one['error']}"
                    for one in told["deliveries"]
                )
                or "Nothing was given up."
            ),
        )


@webhooks.command()
@_id
@click.option("--event", help="Only this event, by its id.")
@click.option(
    "--since", type=click.DateTime(), help="All events since then (UTC), delivered ones too."
)
@as_json
def replay(webhook_id: str, event: str | None, since: datetime | None, json_wanted: bool) -> None:
    """Send given-up events again, under the same ids, or those that an option selects."""
    if event and since:
        raise click.UsageError("one event or all since an instant, not both")
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.webhooks import services

        found = _asked_for(webhook_id)
        which = services.which_again(
            found, event_id=event, since=since.replace(tzinfo=UTC) if since else None
        )
        facts = {"queued": services.replay(found, which, by=console_user(), at=_now())}
        print_facts(json_wanted, facts, lambda told: f"{told['queued']} on the way again.")


def _act(name: str, webhook_id: str, json_wanted: bool) -> None:
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.webhooks import services

        act: Callable[..., Any] = getattr(services, name)
        found = _asked_for(webhook_id)
        act(found, by=console_user(), at=_now())
        print_facts(json_wanted, _facts(_webhook(found.pk)), _text)


def _asked_for(webhook_id: str) -> Any:
    """Return the webhook whose id, as lists show it, was typed."""
    from headend.config import opaque

    return _webhook(opaque.asked("webhooks.subscription", webhook_id) or 0)


def _webhook(number: int) -> Any:
    from headend.webhooks import queries
    from headend.webhooks.errors import InvalidWebhook

    found = queries.webhooks().filter(pk=number).first()
    if found is None:
        raise InvalidWebhook("there is no such webhook; `prepay webhooks list` has their ids")
    return found


def _facts(one: Any) -> dict[str, Any]:
    from headend.config import opaque

    return {
        "id": opaque.id_of(one),
        "program": one.program.username,
        "name": one.name,
        "url": one.url,
        "kinds": one.kinds,
        "state": one.state,
        "waiting": one.waiting,
        "given_up": one.dead,
        "failures": one.failures,
        "last_success_at": one.last_success_at,
    }


def _text(told: dict[str, Any]) -> str:
    last = told["last_success_at"]
    since = f"last taken {local_time(last)}" if last else "nothing taken yet"
    return (
        f"{told['id']}  {told['name']} of {told['program']}, {told['state']}: {told['url']}\n"
        f"    {len(told['kinds'])} kinds, {told['waiting']} waiting, {told['given_up']} given up, "
        f"{since}"
    )


def _delivery(one: Any) -> dict[str, Any]:
    from headend.config import opaque

    return {
        "event": one.event.public_id,
        "kind": one.event.kind,
        "at": one.event.at,
        "webhook": opaque.id_of(one.subscription),
        "name": one.subscription.name,
        "attempts": one.attempts,
        "status": one.last_status,
        "error": one.last_error,
    }
