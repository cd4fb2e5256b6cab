"""`prepay free`: free electricity. Who takes part is enrolled by `prepay import free-electricity`.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 not known: ask again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from tools.headend.answers import answering, as_json, print_facts


def _now() -> datetime:
    return datetime.now(UTC)


@click.group()
def free() -> None:
    """Give free electricity, or set a programme's amount."""


@free.command()
@click.argument("number", metavar="DRN")
@as_json
def give(number: str, json_wanted: bool) -> None:
    """Give a customer the month's free electricity; repeated, it is the same token."""
    with answering(json_wanted, hint="ask again: it is given once"):
        from headend.accounts.services import console_user
        from headend.meters.queries import meter_numbered
        from headend.vending import disclosure, free_electricity

        given = free_electricity.grant(
            meter=meter_numbered(number), by=console_user(), at=_now(), source="console"
        )
        facts = {
            "meter": given.token.meter.drn,
            "title": given.token.purpose,
            "energy_wh": given.energy_wh,
            "token": disclosure.digits_of(given.token),
            "token_identifier": given.token.tid,
            "granted_at": given.granted_at.isoformat(),
        }
        print_facts(json_wanted, facts, _grant_text)


@free.command()
@click.argument("code")
@click.argument("title")
@click.argument("kwh", type=click.FloatRange(0, 1000))
@click.argument("from_month", type=click.DateTime(["%Y-%m"]))
@click.option("--reason", required=True, help="Why, for the approver.")
@as_json
def amount(
    code: str, title: str, kwh: float, from_month: datetime, reason: str, json_wanted: bool
) -> None:
    """Request a programme's monthly amount; 0 ends it. A second person approves."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.vending import free_programmes

        asked = free_programmes.request_amount(
            code=code,
            title=title,
            from_month=from_month.date(),
            energy_wh=round(kwh * 1000),
            by=console_user(),
            at=_now(),
            reason=reason,
        )
        facts = {"request": asked.pk, "summary": asked.summary}
        print_facts(json_wanted, facts, lambda told: f"Asked for: {told['summary']}.")


def _grant_text(facts: dict[str, Any]) -> str:
    digits = facts["token"]
    if digits is None:
        return f"{facts['title']} came with a sale whose token is kept back; disclose it there."
    groups = " ".join(digits[i : i + 4] for i in range(0, 20, 4))
    kwh = facts["energy_wh"] / 1000
    return f"{facts['title']}: {kwh:.1f} kWh for meter {facts['meter']}\n{groups}"
