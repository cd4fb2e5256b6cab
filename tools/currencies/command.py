"""`prepay currency`: accepted currencies and their rates.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 not known.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from tools.headend.answers import answering, as_json, print_facts


@click.group()
def currency() -> None:
    """Accept foreign currencies and propose their rates."""


@currency.command("list")
@click.option("--history", is_flag=True, help="All rates, not only the current one.")
@as_json
def list_(history: bool, json_wanted: bool) -> None:
    """List the accepted currencies with their rates."""
    with answering(json_wanted):
        from django.conf import settings

        from headend.currencies import queries
        from headend.currencies.models import Currency

        at = now()
        facts = {
            "base": settings.BASE_CURRENCY,
            "currencies": [
                _facts(queries.standing(one, at=at), history=history)
                for one in Currency.objects.all()
            ],
        }
        print_facts(json_wanted, facts, _text)


@currency.command()
@click.argument("code")
@click.option("--rate-holds-hours", type=int, help="How long a rate may be used at most.")
@as_json
def accept(code: str, rate_holds_hours: int | None, json_wanted: bool) -> None:
    """Accept a currency; it can be used once a rate for it is approved."""
    _accept(code, json_wanted, is_accepted=True, rate_holds_hours=rate_holds_hours)


@currency.command()
@click.argument("code")
@as_json
def refuse(code: str, json_wanted: bool) -> None:
    """Stop accepting a currency; its sales and rates stay."""
    _accept(code, json_wanted, is_accepted=False, rate_holds_hours=None)


@currency.command()
@click.argument("code")
@click.option("--units", default="1", show_default=True, help="So many of the currency ...")
@click.option("--worth", required=True, help="... are worth so many of the base currency.")
@click.option(
    "--from",
    "valid_from",
    type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
    help="Start of validity, in UTC; otherwise the approval.",
)
@click.option("--reason", required=True, help="Source of the rate, for the approver.")
@as_json
def propose(
    code: str,
    units: str,
    worth: str,
    valid_from: datetime | None,
    reason: str,
    json_wanted: bool,
) -> None:
    """Propose a rate, such as `USD --worth 18.25`; a second person approves."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.currencies import services
        from headend.currencies.errors import InvalidCurrency
        from headend.currencies.models import Currency

        found = Currency.objects.filter(code=code.upper()).first()
        if found is None:
            raise InvalidCurrency(f"{code} is not taken; 'prepay currency accept {code}' does it")
        asked = services.propose_rate(
            found,
            units=services.read_figure(units),
            base_units=services.read_figure(worth),
            valid_from=valid_from.replace(tzinfo=UTC) if valid_from else None,
            by=console_user(),
            at=now(),
            reason=reason,
        )
        facts = {"request": asked.pk, "state": asked.state, "summary": asked.summary}
        print_facts(json_wanted, facts, _request_text)


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def _accept(
    code: str, json_wanted: bool, *, is_accepted: bool, rate_holds_hours: int | None
) -> None:
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.currencies import queries, services

        at = now()
        found = services.accept(
            code,
            is_accepted=is_accepted,
            rate_holds_hours=rate_holds_hours,
            by=console_user(),
            at=at,
        )
        print_facts(json_wanted, _facts(queries.standing(found, at=at)), _row)


def _facts(standing: Any, *, history: bool = False) -> dict[str, Any]:
    currency = standing.currency
    facts = {
        "currency": currency.code,
        "is_accepted": currency.is_accepted,
        "is_usable": standing.is_usable,
        "why_not": standing.why_not,
        "rate": _rate(standing.rate),
        "rate_holds_hours": currency.rate_holds_hours,
    }
    if history:
        facts["rates"] = [_rate(one) for one in currency.rates.order_by("-valid_from")]
    return facts


def _rate(rate: Any) -> dict[str, Any] | None:
    return rate and {
        "words": rate.words,
        "valid_from": rate.valid_from.isoformat(timespec="minutes"),
        "proposed_by": rate.proposed_by.username,
        "approved_by": rate.approved_by.username,
    }


def _text(facts: dict[str, Any]) -> str:
    rows = [_row(one) for one in facts["currencies"]]
    return "\n".join(rows or [f"Customers pay in {facts['base']} only."])


def _row(facts: dict[str, Any]) -> str:
    held = facts["rate"]
    rate = f"{held['words']}, since {held['valid_from']}" if held else ""
    row = f"{facts['currency']}  {facts['why_not'] or 'taken':13} {rate}".rstrip()
    return "\n".join(
        [row, *(f"  {one['valid_from']}  {one['words']}" for one in facts.get("rates", ()))]
    )


def _request_text(facts: dict[str, Any]) -> str:
    return f"{facts['summary']}\nIt waits under Approvals for somebody else."
