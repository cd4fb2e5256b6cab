"""`prepay vend` and `prepay meter`: the head-end from a shell or a script.

They call the services that the pages call, on the same database; the gateway delivers. Exit
status: 0 done, 1 refused, 2 wrong usage, 3 not known (ask again with the same message id).
"""

from __future__ import annotations

import re
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click

from headend.config import iso4217
from headend.design import figures
from tools.headend.answers import REFUSED, UNKNOWN, answering, as_json, print_facts

_POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 60.0
_STATE_SECONDS = 10.0


class Money(click.ParamType):
    """An amount such as 50 or 50.00, read into minor units exactly: of `--currency`, if said."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return minor units of a text, or fail with one sentence."""
        if isinstance(value, int):
            return value
        digits = iso4217.DECIMALS.get(ctx.params.get("currency", "") if ctx else "", 2)
        decimals = rf"(\.[0-9]{{1,{digits}}})?" if digits else ""
        if not re.fullmatch(rf"[0-9]{{1,12}}{decimals}", value):
            example = f"50 or 50.{'0' * digits}" if digits else "50"
            self.fail(f"{value!r} is no amount; write {example}", param, ctx)
        minor = int(Decimal(value).scaleb(digits))
        if minor == 0:
            self.fail("an amount must be more than nothing", param, ctx)
        return minor


class Energy(click.ParamType):
    """Energy such as 8 or 7.5 kWh, read into Wh exactly."""

    name = "kWh"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Wh of a text, or fail with one sentence."""
        try:
            return figures.read_kwh(value)
        except ValueError as error:
            self.fail(f"{value!r} is no energy; {error}", param, ctx)


IN_CURRENCY = click.option(
    "--currency",
    default="",
    metavar="CODE",
    is_eager=True,
    callback=lambda ctx, param, value: value.upper(),
    help="Of the money, if it is not the base currency, e.g. USD; taken at the rate in force.",
)


@click.command()
@click.option("--meter", "number", required=True, help="Meter number (DRN) or PAN.")
@click.option("--amount", "tender_minor", type=Money(), help="Money, e.g. 50.00.")
@IN_CURRENCY
@click.option("--kwh", type=Energy(), help="With --trial: how much money buys so many kWh.")
@click.option("--message-id", help="Names this vend; the same id gives the same sale again.")
@click.option("--trial", is_flag=True, help="Only say what it would give.")
@click.option("--send", is_flag=True, help="Also send the token to the meter.")
@click.option("--hold", is_flag=True, help="Keep the token back until 'prepay sale disclose'.")
@click.option(
    "--debts-first",
    "waive_floor",
    is_flag=True,
    help="The customer wants debts paid even out of the share kept for energy.",
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

    If the answer was lost, run it again with the same --message-id: it gives the same sale.
    """
    if (tender_minor is None) == (kwh is None) or (kwh is not None and not trial):
        raise click.UsageError("say --amount, or --kwh with --trial")
    if currency and tender_minor is None:
        raise click.UsageError("--currency is of an --amount")
    message_id = message_id or uuid.uuid4().hex
    with answering(json_wanted, hint=f"ask again with --message-id {message_id}"):
        from headend.accounts.services import console_user
        from headend.meters.queries import meter_numbered
        from headend.vending import services

        meter = meter_numbered(number)
        if tender_minor is None or trial:
            quote = (
                services.trial_energy(meter=meter, energy_wh=kwh or 0, at=now())
                if tender_minor is None
                else services.trial_vend(
                    meter=meter,
                    tender_minor=tender_minor,
                    currency=currency,
                    at=now(),
                    waive_floor=waive_floor,
                )
            )
            print_facts(json_wanted, _quote_facts(quote), _quote_text)
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
    """Look at a meter, order something of it, or choose when its customer is warned."""


@meter.command()
@click.argument("number", metavar="DRN")
@as_json
def show(number: str, json_wanted: bool) -> None:
    """Show what is known about a meter: register, customer, presence, last state."""
    with answering(json_wanted):
        from headend.meters.queries import meter_numbered

        print_facts(json_wanted, _meter_facts(meter_numbered(number)), facts_text)


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
        from headend.fleet import services
        from headend.meters.queries import meter_numbered

        command = services.change_payment_mode(
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
    """Choose the credit below which a meter's customer is told that it runs low; 0 for never."""
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


def _money(minor: int, currency: str) -> str:
    digits = iso4217.decimals(currency)
    minus = "−" if minor < 0 else ""
    return f"{minus}{currency} {figures.decimal(abs(minor), digits=digits, grouped=False)}"


def _paid_facts(sold: Any) -> dict[str, Any]:
    """Return what was handed over for a quote or a sale, and how it became the tender."""
    return {
        "paid_currency": sold.received_currency,
        "paid_minor": sold.received_minor,
        "exchange": dict(sold.exchange),
    }


def _lines_facts(lines: Any) -> list[dict[str, Any]]:
    return [
        {
            "kind": str(line.kind),
            "description": line.description,
            "amount_minor": line.amount_minor,
            "energy_wh": line.energy_wh,
        }
        for line in lines
    ]


def _quote_facts(quote: Any) -> dict[str, Any]:
    return {
        "meter": quote.meter.drn,
        "customer": quote.agreement.customer.name,
        "tariff": quote.tariff_version.tariff.name,
        "currency": quote.currency,
        "tender_minor": quote.tender_minor,
        **_paid_facts(quote),
        "issued_wh": quote.issued_wh,
        "lines": _lines_facts(quote.lines),
    }


def sale_facts(sale: Any) -> dict[str, Any]:
    """Return what a sale is, for printing; digits that are given to nobody are None."""
    from headend.vending import disclosure

    standing = disclosure.standing_of(sale)
    tokens = list(sale.tokens.order_by("position"))
    return {
        "receipt_number": sale.receipt_number,
        "message_id": sale.message_id,
        "meter": sale.meter.drn,
        "customer": sale.agreement.customer.name,
        "tariff": sale.tariff_version.tariff.name,
        "currency": sale.currency,
        "tender_minor": sale.tender_minor,
        **_paid_facts(sale),
        "issued_wh": sale.issued_wh,
        "created_at": sale.created_at.isoformat(),
        "lines": _lines_facts(sale.lines.all()),
        "reversed_at": standing.reversed_at and standing.reversed_at.isoformat(),
        "tokens": [disclosure.digits_of(token, standing) for token in tokens],
        "delivery": [token.delivery.state if token.delivery else None for token in tokens],
    }


def _quote_text(facts: dict[str, Any]) -> str:
    rows = [
        f"Meter     {facts['meter']}  {facts['customer']}",
        f"Tariff    {facts['tariff']}",
        *(
            f"  {line['description']:20} {_money(line['amount_minor'], facts['currency']):>14}"
            for line in facts["lines"]
        ),
        *(f"  {name:20} {value}" for name, value in facts["exchange"].items()),
        f"Tender    {_money(facts['tender_minor'], facts['currency'])}",
        f"Energy    {facts['issued_wh'] / 1000:.1f} kWh",
    ]
    return "\n".join(rows)


def sale_text(facts: dict[str, Any]) -> str:
    """Return the facts of a sale as lines for a person."""
    rows = [f"Receipt   {facts['receipt_number']}", _quote_text(facts)]
    for digits, delivery in zip(facts["tokens"], facts["delivery"], strict=True):
        groups = "not given out"
        if digits is not None:
            groups = " ".join(digits[i : i + 4] for i in range(0, 20, 4))
        rows.append(f"Token     {groups}" + (f"  ({delivery})" if delivery else ""))
    if facts["reversed_at"]:
        rows.append(f"Reversed  {facts['reversed_at']}")
    return "\n".join(rows)


def _meter_facts(meter: Any) -> dict[str, Any]:
    from headend.customers.queries import agreements
    from headend.fleet.models import MeterLink, MeterState

    agreement = agreements(at=now()).filter(meter=meter).first()
    link = MeterLink.objects.filter(meter=meter).first()
    state = MeterState.objects.filter(meter=meter).first()
    return {
        "meter": meter.drn,
        "pan": meter.pan,
        "status": meter.status,
        "sgc": meter.sgc,
        "krn": meter.krn,
        "kt": meter.kt,
        "ti": meter.ti,
        "ken": meter.ken,
        "ea": meter.ea,
        "dkga": meter.dkga,
        "base_date": meter.base_date,
        "customer": agreement.customer.name if agreement else None,
        "address": agreement.premises.address if agreement else None,
        "tariff": agreement.tariff.name if agreement else None,
        "low_credit_threshold_wh": agreement.low_credit_threshold_wh if agreement else None,
        "intended_payment_mode": meter.intended_payment_mode,
        "online": link is not None and link.online,
        "last_heard_at": link.last_heard_at.isoformat() if link and link.last_heard_at else None,
        "state": None
        if state is None
        else {
            "received_at": state.received_at.isoformat(),
            "payment_mode": state.payment_mode,
            "credit_wh": state.credit_wh,
            "account_status": state.account_status,
            "relay_closed": state.relay_closed,
            "open_reasons": state.open_reasons,
            "clock_quality": state.clock_quality,
        },
    }


def command_facts(command: Any) -> dict[str, Any]:
    """Return what is known of a command."""
    return {
        "command": command.command,
        "arguments": command.arguments,
        "state": str(command.state),
        "status": command.status,
        "detail": command.detail,
    }


def facts_text(facts: dict[str, Any], indent: str = "") -> str:
    """Return facts as lines of a name and what it is."""
    rows = []
    for name, fact in facts.items():
        label = name.replace("_", " ")
        if isinstance(fact, dict):
            rows.append(f"{indent}{label}:")
            rows.append(facts_text(fact, indent + "  "))
        else:
            shown = ", ".join(map(str, fact)) if isinstance(fact, list) else fact
            rows.append(f"{indent}{label + ':':26}{'-' if shown in (None, '') else shown}")
    return "\n".join(rows)
