"""`prepay supply`: close accounts, move customers in, replace meters, list switches.

They call the services that the pages call. Exit status: 0 done, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from headend.design import figures
from tools.headend.answers import answering, as_json, print_facts
from tools.supply.wording import closing_facts, closing_text, facts_text, trial_facts


class Register(click.ParamType):
    """A register in kWh such as 1234.5 or -2, read into Wh exactly."""

    name = "kWh"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Wh of a text, or fail with one sentence."""
        if isinstance(value, int):
            return value
        sign = -1 if value.startswith("-") else 1
        try:
            return sign * figures.read_kwh(value.removeprefix("-"), decimals=3)
        except ValueError as error:
            self.fail(f"{value!r} is no register; {error}", param, ctx)


_reason = click.option("--reason", required=True, help="Why; kept in the audit record.")
_energy = click.option("--energy", "energy_wh", type=Register(), help="Total energy, kWh.")
_credit = click.option(
    "--credit", "credit_wh", type=Register(), help="Credit left, kWh; below 0: used on credit."
)


@click.group()
def supply() -> None:
    """Close accounts, move customers in, replace meters, list mode switches."""


@supply.command()
@click.argument("meter")
@as_json
def trial(meter: str, json_wanted: bool) -> None:
    """Preview closing the account at a meter, without changing anything."""
    with answering(json_wanted):
        from headend.supply import trials

        shown = trials.trial(_closable(meter), at=_now())
        print_facts(json_wanted, trial_facts(shown), closing_text)


@supply.command()
@click.argument("meter")
@click.option("--ask-meter", is_flag=True, help="Ask the meter for its registers.")
@_reason
@as_json
def close(meter: str, ask_meter: bool, reason: str, json_wanted: bool) -> None:
    """Start closing an account: end the agreement and cancel waiting orders."""
    with answering(json_wanted):
        from headend.supply import closings

        made = closings.start(
            _closable(meter), by=_me(), at=_now(), reason=reason, ask_meter=ask_meter
        )
        print_facts(json_wanted, closing_facts(made, at=_now()), closing_text)


@supply.command()
@click.argument("closing")
@as_json
def show(closing: str, json_wanted: bool) -> None:
    """Show a closing, its progress and its amounts."""
    with answering(json_wanted):
        print_facts(json_wanted, closing_facts(_closing(closing), at=_now()), closing_text)


@supply.command()
@click.argument("closing")
@_energy
@_credit
@as_json
def registers(
    closing: str, energy_wh: int | None, credit_wh: int | None, json_wanted: bool
) -> None:
    """Enter the registers that somebody read at the meter: of a CLOSING, or of the old meter of a
    replacement, by its number."""
    if energy_wh is None or credit_wh is None:
        raise click.UsageError("say both --energy and --credit")
    with answering(json_wanted):
        from headend.supply import closings, replacements

        if closing.startswith("R"):
            noted = replacements.note_registers(
                _replacement(closing),
                energy_wh=energy_wh,
                credit_wh=credit_wh,
                by=_me(),
                at=_now(),
            )
            print_facts(json_wanted, _replacement_facts(noted), facts_text)
            return
        kept = closings.note_registers(
            _closing(closing), energy_wh=energy_wh, credit_wh=credit_wh, by=_me(), at=_now()
        )
        print_facts(json_wanted, closing_facts(kept, at=_now()), closing_text)


@supply.command()
@click.argument("closing")
@as_json
def settle(closing: str, json_wanted: bool) -> None:
    """Settle a closing whose registers are known; this is final."""
    with answering(json_wanted):
        from headend.supply import closings

        closings.settle(_closing(closing), by=_me(), at=_now())
        print_facts(json_wanted, closing_facts(_closing(closing), at=_now()), closing_text)


@supply.command()
@click.argument("closing")
@click.option("--note", required=True, help="How you know.")
@as_json
def clear(closing: str, note: str, json_wanted: bool) -> None:
    """State that the meter no longer holds the customer's credit."""
    with answering(json_wanted):
        from headend.supply import closings

        kept = closings.mark_cleared(
            _closing(closing), by=_me(), at=_now(), how="person", note=note
        )
        print_facts(json_wanted, closing_facts(kept, at=_now()), closing_text)


@supply.command()
@click.argument("closing")
@click.option("--method", type=click.Choice(["cash", "bank"]), required=True)
@click.option("--reference", default="", help="Of the transfer.")
@as_json
def pay(closing: str, method: str, reference: str, json_wanted: bool) -> None:
    """Pay a refund; above the limit a second person must approve it."""
    with answering(json_wanted):
        from headend.accounts.models import Approval
        from headend.supply import refunds
        from headend.supply.errors import RefundNotPossible

        found = _closing(closing)
        if found.is_open:
            raise RefundNotPossible(f"closing {found} is not settled; settle it first")
        done = refunds.pay(
            found.settlement, method=method, reference=reference, by=_me(), at=_now()
        )
        facts = closing_facts(_closing(closing), at=_now())
        facts["waits_for_approval"] = done.pk if isinstance(done, Approval) else None
        print_facts(json_wanted, facts, closing_text)


@supply.command("move-in")
@click.argument("meter")
@click.option("--name", required=True, help="Of the new customer.")
@click.option("--phone", default="")
@click.option("--address", required=True)
@click.option("--tariff", "code", required=True, help="Its code.")
@_energy
@_credit
@click.option(
    "--accept-debts", is_flag=True, help="The customer accepts the debts of the premises."
)
@click.option("--buy-credit", is_flag=True, help="The customer buys the credit that is left.")
@as_json
def move_in(
    meter: str,
    name: str,
    phone: str,
    address: str,
    code: str,
    energy_wh: int | None,
    credit_wh: int | None,
    accept_debts: bool,
    buy_credit: bool,
    json_wanted: bool,
) -> None:
    """Move a new customer in at a meter; a meter in stock is installed."""
    if energy_wh is None or credit_wh is None:
        raise click.UsageError("say both --energy and --credit")
    with answering(json_wanted):
        from django.db import transaction

        from headend.customers.services import register_customer
        from headend.meters.queries import meter_numbered
        from headend.supply import moves
        from headend.tariffs.models import Tariff

        tariff = Tariff.objects.filter(code=code).first()
        if tariff is None:
            raise click.UsageError(f"there is no tariff {code}")
        with transaction.atomic():
            made = moves.move_in(
                register_customer(name=name, phone=phone, by=_me(), at=_now()),
                meter_numbered(meter),
                moves.Terms(
                    address=address,
                    tariff=tariff,
                    accepts_debts=accept_debts,
                    buys_credit=buy_credit,
                ),
                energy_wh=energy_wh,
                credit_wh=credit_wh,
                source="person",
                by=_me(),
                at=_now(),
            )
        facts = {
            "agreement": made.agreement_id,
            "customer": made.agreement.customer.name,
            "meter": made.agreement.meter.drn,
            "bought_minor": made.bought_minor,
            "premises_debts_minor": made.premises_debts_minor,
        }
        print_facts(json_wanted, facts, facts_text)


@supply.command()
@click.argument("meter")
@click.argument("new_meter")
@_energy
@_credit
@click.option("--new-energy", "new_energy_wh", type=Register(), default=0, help="Of the new one.")
@click.option("--new-credit", "new_credit_wh", type=Register(), default=0, help="It shows none.")
@click.option("--scrap", is_flag=True, help="The old meter never goes back to stock.")
@click.option("--transfer", type=click.Choice(["token", "command"]), help="Move the credit now.")
@_reason
@as_json
def replace(
    meter: str,
    new_meter: str,
    energy_wh: int | None,
    credit_wh: int | None,
    new_energy_wh: int,
    new_credit_wh: int,
    scrap: bool,
    transfer: str | None,
    reason: str,
    json_wanted: bool,
) -> None:
    """Replace a meter; its agreement continues."""
    with answering(json_wanted):
        from headend.meters.queries import meter_numbered
        from headend.supply import replacements

        made = replacements.replace(
            _running(meter),
            meter_numbered(new_meter),
            old=replacements.OldMeter(energy_wh, credit_wh, scrap),
            new_energy_wh=new_energy_wh,
            new_credit_wh=new_credit_wh,
            by=_me(),
            at=_now(),
            reason=reason,
        )
        print_facts(json_wanted, _transferred(made, transfer), facts_text)


@supply.command("take-down")
@click.argument("meter")
@click.option("--scrap", is_flag=True, help="It never goes back to stock.")
@_reason
@as_json
def take_down(meter: str, scrap: bool, reason: str, json_wanted: bool) -> None:
    """Take a meter down where nobody is served any more."""
    with answering(json_wanted):
        from headend.meters.queries import meter_numbered
        from headend.supply import taking_down

        taken = taking_down.take_down(
            meter_numbered(meter), scrapped=scrap, by=_me(), at=_now(), reason=reason
        )
        print_facts(json_wanted, {"meter": taken.drn, "status": str(taken.status)}, facts_text)


@supply.command()
@click.argument("replacement")
@click.option("--by", "how", type=click.Choice(["token", "command"]), required=True)
@as_json
def transfer(replacement: str, how: str, json_wanted: bool) -> None:
    """Transfer the credit of a replaced meter to the new one, once."""
    with answering(json_wanted):
        print_facts(json_wanted, _transferred(_replacement(replacement), how), facts_text)


@supply.command()
@click.option("--since", help="First day, local, YYYY-MM-DD.")
@click.option("--until", help="Day after the last, local, YYYY-MM-DD.")
def switches(since: str | None, until: str | None) -> None:
    """Print switches of the payment mode as CSV for billing."""
    for day in filter(None, (since, until)):
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            raise click.UsageError(f"{day!r} is not a date; write 2026-11-30")
    with answering(False):
        from headend.supply import modes

        click.echo(modes.handover(since=_day(since), until=_day(until)), nl=False)


def _now() -> datetime:
    return datetime.now(UTC)


def _day(text: str | None) -> datetime | None:
    from django.utils import timezone

    if text is None:
        return None
    try:
        return timezone.make_aware(datetime.strptime(text, "%Y-%m-%d"))  # noqa: DTZ007
    except ValueError:
        raise click.UsageError(f"{text!r} is no day of the calendar") from None


def _me() -> Any:
    from headend.accounts.services import console_user

    return console_user()


def _running(number: str) -> Any:
    from headend.customers.queries import agreement_of
    from headend.meters.queries import meter_numbered

    return agreement_of(meter_numbered(number), at=_now())


def _closable(number: str) -> Any:
    from headend.meters.queries import meter_numbered
    from headend.supply.closings import closable

    return closable(meter_numbered(number), at=_now())


def _closing(number: str) -> Any:
    from headend.supply.errors import ClosingNotPossible
    from headend.supply.models import Closing

    found = Closing.objects.filter(number=number).first()
    if found is None:
        raise ClosingNotPossible(f"there is no closing {number}")
    return found


def _replacement(number: str) -> Any:
    from headend.supply.errors import ReplacementNotPossible
    from headend.supply.models import Replacement

    found = Replacement.objects.filter(number=number).first()
    if found is None:
        raise ReplacementNotPossible(f"there is no replacement {number}")
    return found


def _replacement_facts(replacement: Any) -> dict[str, Any]:
    return {
        "replacement": replacement.number,
        "old_meter": replacement.old_meter.drn,
        "new_meter": replacement.new_meter.drn,
        "credit_wh": replacement.credit_wh,
    }


def _transferred(replacement: Any, how: str | None) -> dict[str, Any]:

    from headend.supply import transfers

    token = command = None
    if how == "token":
        token = transfers.transfer_by_token(replacement, by=_me(), at=_now())
    elif how == "command":
        command = transfers.transfer_by_command(replacement, by=_me(), at=_now())
    return _replacement_facts(replacement) | {
        "token": token.digits if token else None,
        "order": str(command.state) if command else None,
    }
