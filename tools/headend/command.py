"""`prepay vend` and `prepay meter`: the head-end from a shell or a script.

They call the services that the pages call, on the same database; the gateway delivers. Exit
status: 0 done, 1 refused, 2 wrong usage, 3 not known (ask again with the same message id).
"""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import click

from tools.headend.answers import REFUSED, UNKNOWN, answering, as_json, print_facts
from tools.headend.arguments import IN_CURRENCY, Energy, Money
from tools.headend.facts import (
    command_facts,
    facts_text,
    meter_facts,
    quote_facts,
    quote_text,
    sale_facts,
    sale_text,
)

_POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 60.0
_STATE_SECONDS = 10.0


@click.command()
@click.option("--meter", "number", required=True, help="Meter number (DRN) or PAN.")
@click.option("--amount", "tender_minor", type=Money(), help="Money, e.g. 50.00.")
@IN_CURRENCY
@click.option("--kwh", type=Energy(), help="With --trial: how much money buys this many kWh.")
@click.option("--message-id", help="Identifies this vend; repeated, it returns the same sale.")
@click.option("--trial", is_flag=True, help="Only show what it would give.")
@click.option("--send", is_flag=True, help="Also send the token to the meter.")
@click.option("--hold", is_flag=True, help="Keep the token back until 'prepay sale disclose'.")
@click.option(
    "--debts-first",
    "waive_floor",
    is_flag=True,
    help="Pay debts even out of the share kept for energy.",
)
@as_json
def vend(
    number: str,
    tender_minor: int | None,
    currency: str,
    kwh: int | None,
    message_id: str | None,
    trial: bool,
    send: bool,
    hold: bool,
    waive_floor: bool,
    json_wanted: bool,
) -> None:
    """Sell energy for a meter and print the token.

    If the answer was lost, run it again with the same --message-id to get the same sale.
    """
    if (tender_minor is None) == (kwh is None) or (kwh is not None and not trial):
        raise click.UsageError("say --amount, or --kwh with --trial")
    message_id = message_id or uuid.uuid4().hex
    with answering(json_wanted, hint=f"ask again with --message-id {message_id}"):
        from headend.accounts.services import console_user
        from headend.meters.queries import meter_numbered
        from headend.vending import services

        meter = meter_numbered(number)
        if tender_minor is None or trial:
            quote = (
                services.trial_energy(
                    meter=meter,
                    energy_wh=kwh or 0,
                    currency=currency,
                    at=now(),
                    waive_floor=waive_floor,
                )
                if tender_minor is None
                else services.trial_vend(
                    meter=meter,
                    tender_minor=tender_minor,
                    currency=currency,
                    at=now(),
                    waive_floor=waive_floor,
                )
            )
            print_facts(json_wanted, quote_facts(quote), quote_text)
            return
        sale = services.vend(
            caller="console",
            message_id=message_id,
            meter=meter,
            tender_minor=tender_minor,
            currency=currency,
            operator=console_user(),
            at=now(),
            send=send,
            terminal="console",
            hold_token=hold,
            waive_floor=waive_floor,
        )
        print_facts(json_wanted, sale_facts(sale), sale_text)


@click.group()
def meter() -> None:
    """Show a meter, send it orders, or set its warning level."""


@meter.command()
@click.argument("number", metavar="DRN")
@as_json
def show(number: str, json_wanted: bool) -> None:
    """Show what is known about a meter: register, customer, presence, last state."""
    with answering(json_wanted):
        from headend.meters.queries import meter_numbered

        print_facts(json_wanted, meter_facts(meter_numbered(number), at=now()), facts_text)


@meter.command()
@click.argument("number", metavar="DRN")
@click.argument("payment_mode", type=click.Choice(["prepayment", "postpayment"]))
@click.option("--reason", default="", help="Why; kept in the audit record.")
@click.option("--wait", is_flag=True, help="Wait for the meter's answer and state.")
@click.option("--timeout", default=TIMEOUT_SECONDS, show_default=True, help="Seconds to wait.")
@as_json
def mode(
    number: str, payment_mode: str, reason: str, wait: bool, timeout: float, json_wanted: bool
) -> None:
    """Switch a meter between prepayment and post-payment."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.fleet.account_orders import change_payment_mode
        from headend.meters.queries import meter_numbered

        command = change_payment_mode(
            meter=meter_numbered(number),
            payment_mode=payment_mode,
            requested_by=console_user(),
            reason=reason,
            at=now(),
        )
        if wait:
            wait_for(command, timeout)
        print_facts(json_wanted, command_facts(command), facts_text)
    if wait:
        exit_by_state(command.state)


@meter.command("warn-below")
@click.argument("number", metavar="DRN")
@click.argument("threshold_wh", metavar="KWH", type=Energy())
@as_json
def warn_below(number: str, threshold_wh: int, json_wanted: bool) -> None:
    """Set the credit in kWh below which a meter's customer is warned; 0 for never."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.customers.queries import agreement_of
        from headend.customers.services import set_low_credit_threshold
        from headend.meters.queries import meter_numbered

        agreement = agreement_of(meter_numbered(number), at=now())
        set_low_credit_threshold(agreement, threshold_wh=threshold_wh, by=console_user(), at=now())
        facts = {
            "meter": agreement.meter.drn,
            "customer": agreement.customer.name,
            "low_credit_threshold_wh": agreement.low_credit_threshold_wh,
        }
        print_facts(json_wanted, facts, facts_text)


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def wait_for(command: Any, timeout: float) -> None:
    """Refresh the command until it has ended and the stored state shows it, or the time is up."""
    from headend.fleet.delivery import FINISHED, State

    deadline = time.monotonic() + timeout
    while command.state not in FINISHED and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        command.refresh_from_db()
    # The meter tells its new state a moment after its answer.
    deadline = min(deadline, time.monotonic() + _STATE_SECONDS)
    while (
        command.state == State.ACCEPTED
        and not _state_shows(command)
        and time.monotonic() < deadline
    ):
        time.sleep(_POLL_SECONDS)


def _state_shows(command: Any) -> bool:
    """Whether the state that is stored of the meter was told after it did the command."""
    from headend.fleet.models import MeterState

    return MeterState.objects.filter(
        meter_id=command.meter_id, last_command_number__gte=command.number
    ).exists()


def exit_by_state(state: str) -> None:
    """Exit with the status for how a command stands, unless the meter did it."""
    from headend.fleet.delivery import FINISHED, State

    if state not in FINISHED:
        raise SystemExit(UNKNOWN)
    if state != State.ACCEPTED:
        raise SystemExit(REFUSED)
