"""`prepay meter order`, `adjust-credit` and `message`: what the meter page orders."""

from __future__ import annotations

import click

from tools.headend.answers import answering, as_json, print_facts
from tools.headend.arguments import Energy
from tools.headend.command import TIMEOUT_SECONDS, exit_by_state, meter, now, wait_for
from tools.headend.facts import command_facts, facts_text


@meter.command()
@click.argument("number", metavar="DRN")
@click.argument("slug", metavar="ORDER")
@click.option("--reason", default="", help="Why; kept in the audit record.")
@click.option("--wait", is_flag=True, help="Wait for the meter's answer and state.")
@click.option("--timeout", default=TIMEOUT_SECONDS, show_default=True, help="Seconds to wait.")
@as_json
def order(
    number: str, slug: str, reason: str, wait: bool, timeout: float, json_wanted: bool
) -> None:
    """Send a meter an order, for example connect or close-account; `?` lists them."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.fleet import services
        from headend.fleet.forms import ReasonForm
        from headend.fleet.orders import ORDERS
        from headend.meters.queries import meter_numbered

        known = {
            name: one for name, one in ORDERS.items() if one.form is ReasonForm and not one.is_mode
        }
        if slug not in known:
            raise click.UsageError(f"no order {slug!r}; choose one of {', '.join(known)}")
        if known[slug].needs_reason and not reason.strip():
            raise click.UsageError(f"{slug} needs a --reason")
        at = now()
        command = services.queue_command(
            meter=meter_numbered(number),
            command=known[slug].command,
            arguments=known[slug].arguments(at, {}),
            requested_by=console_user(),
            reason=reason,
            at=at,
        )
        if wait:
            wait_for(command, timeout)
        print_facts(json_wanted, command_facts(command), facts_text)
    if wait:
        exit_by_state(command.state)


@meter.command("adjust-credit")
@click.argument("number", metavar="DRN")
@click.argument("direction", type=click.Choice(["add", "take"]))
@click.argument("energy_wh", metavar="KWH", type=Energy())
@click.option("--reason", required=True, help="Why; kept in the audit record.")
@as_json
def adjust_credit(
    number: str, direction: str, energy_wh: int, reason: str, json_wanted: bool
) -> None:
    """Request that a meter's credit be raised or lowered; a second person approves."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.fleet import acts
        from headend.meters.queries import meter_numbered

        approval = acts.request_adjustment(
            meter_numbered(number),
            energy_wh if direction == "add" else -energy_wh,
            by=console_user(),
            at=now(),
            reason=reason,
        )
        facts = {"approval": approval.pk, "state": approval.state, "act": approval.summary}
        print_facts(json_wanted, facts, facts_text)


@meter.command()
@click.argument("number", metavar="DRN")
@click.argument("first", metavar="LINE1")
@click.argument("second", metavar="[LINE2]", default="")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 366))
@as_json
def message(number: str, first: str, second: str, days: int, json_wanted: bool) -> None:
    """Show two lines of 16 characters on a meter's display; an empty LINE1 removes them."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.fleet import services
        from headend.fleet.orders import ROW, message_arguments
        from headend.meters.queries import meter_numbered
        from shared.wire.commands import MESSAGE

        if max(len(first), len(second)) > ROW:
            raise click.UsageError(f"the display has {ROW} characters in a line")
        at = now()
        command = services.queue_command(
            meter=meter_numbered(number),
            command=MESSAGE,
            arguments=message_arguments(at, {"first": first, "second": second, "days": days}),
            requested_by=console_user(),
            at=at,
        )
        print_facts(json_wanted, command_facts(command), facts_text)
