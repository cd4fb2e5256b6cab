"""`prepay campaign`: plan a key campaign, try it, start it, work on it, watch it.

Exit status: 0 done or asked for, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from tools.headend.answers import answering, as_json, print_facts

_name = click.argument("name")
_reason = click.option("--reason", required=True, help="Why; kept in the audit record.")
_YEARS = click.Choice(["1993", "2014", "2035"])


@click.group()
def campaign() -> None:
    """Give many meters a new key: plan, try, start, watch."""


@campaign.command()
@_name
@click.option("--sgc", default="", help="Meters of this supply group.")
@click.option("--krn", type=int, help="Only of this key revision.")
@click.option("--base-date", type=_YEARS, help="Only of this base date.")
@click.option("--tariff", default="", help="Only supplied on this tariff (code).")
@click.option("--address", default="", help="Only where the address contains this.")
@click.option("--meters", type=click.File(), help="Or the meter numbers in this file.")
@click.option("--new-krn", type=int)
@click.option("--new-base-date", type=_YEARS)
@click.option("--new-sgc")
@click.option("--new-ti", type=int)
@click.option("--when-due", is_flag=True, help="Make each meter's tokens at its next purchase.")
@click.option("--no-push", is_flag=True, help="Do not send them to meters online.")
@_reason
@as_json
def plan(name: str, reason: str, json_wanted: bool, **given: Any) -> None:
    """Plan a campaign without starting it. Then `try` it, then `start` it."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.campaigns import services
        from headend.campaigns.selection import Selection

        changes = {
            attribute: _whole(given[f"new_{attribute}"])
            for attribute in ("krn", "base_date", "sgc", "ti")
            if given[f"new_{attribute}"] is not None
        }
        listed = given["meters"]
        selection = Selection(
            sgc=given["sgc"],
            krn=given["krn"],
            base_date=_whole(given["base_date"]),
            tariff=given["tariff"],
            address=given["address"],
            meters=tuple(dict.fromkeys(listed.read().split())) if listed else (),
        )
        made = services.plan(
            name=name,
            changes=changes,
            selection=selection,
            by=console_user(),
            at=_now(),
            reason=reason,
            pre_code=not given["when_due"],
            push=not given["no_push"],
        )
        print_facts(json_wanted, _facts(made), _text)


@campaign.command("try")
@_name
@as_json
def try_(name: str, json_wanted: bool) -> None:
    """Show what a campaign would do, without changing anything."""
    with answering(json_wanted):
        from dataclasses import asdict

        from headend.campaigns import services

        tried = services.dry_run(services.named(name), at=_now())
        facts = asdict(tried) | {"to_change": tried.to_change}
        print_facts(json_wanted, facts, _tried_text)


@campaign.command()
@_name
@as_json
def start(name: str, json_wanted: bool) -> None:
    """Request the start of a campaign; a second person approves."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.campaigns import services

        approval = services.request_start(services.named(name), by=console_user(), at=_now())
        facts = {"approval": approval.pk, "summary": approval.summary}
        print_facts(
            json_wanted,
            facts,
            lambda told: (
                f"Asked for; somebody else has to approve request {told['approval']}: "
                f"{told['summary']}"
            ),
        )


@campaign.command()
@_name
@as_json
def show(name: str, json_wanted: bool) -> None:
    """Show a campaign's progress by supply group."""
    with answering(json_wanted):
        from headend.campaigns import services

        print_facts(json_wanted, _facts(services.named(name)), _text)


@campaign.command("list")
@as_json
def list_(json_wanted: bool) -> None:
    """List all campaigns."""
    with answering(json_wanted):
        from headend.campaigns.models import Campaign

        facts = {"campaigns": [_facts(one) for one in Campaign.objects.order_by("-pk")]}
        print_facts(
            json_wanted,
            facts,
            lambda told: "\n".join(map(_text, told["campaigns"])) or "No campaign yet.",
        )


@campaign.command()
@_name
@as_json
def run(name: str, json_wanted: bool) -> None:
    """Do all of a campaign's work now instead of leaving it to housekeeping.

    It can be interrupted at any time and continues where it was.
    """
    with answering(json_wanted):
        from headend.campaigns import services
        from headend.campaigns.running import advance

        found = services.named(name)
        done = 0
        while not (work := advance(found, at=_now())).is_nothing:
            done += work.prepared + work.pushed + work.withdrawn
            if not json_wanted and sys.stderr.isatty():
                click.echo(f"\r{done} meters", nl=False, err=True)
        found.refresh_from_db()
        print_facts(json_wanted, _facts(found), _text)


@campaign.command()
@_name
@_reason
@as_json
def pause(name: str, reason: str, json_wanted: bool) -> None:
    """Pause a campaign: make and send no more tokens for now."""
    _do("pause", name, reason, json_wanted)


@campaign.command()
@_name
@_reason
@as_json
def resume(name: str, reason: str, json_wanted: bool) -> None:
    """Resume a paused campaign."""
    _do("resume", name, reason, json_wanted)


@campaign.command()
@_name
@_reason
@as_json
def stop(name: str, reason: str, json_wanted: bool) -> None:
    """End a campaign for good and withdraw tokens not yet handed out."""
    _do("stop", name, reason, json_wanted)


@campaign.command()
@_name
@_reason
@as_json
def retry(name: str, reason: str, json_wanted: bool) -> None:
    """Retry the meters that were refused."""
    _do("retry_failed", name, reason, json_wanted)


@campaign.command()
@_name
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A CSV file.")
def report(name: str, output: Path | None) -> None:
    """Write every meter of a campaign as CSV."""
    with answering(False):
        from headend.campaigns import progress, services

        rows = progress.sheet(services.named(name))
        if output is None:
            csv.writer(sys.stdout).writerows(rows)
            return
        with output.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)


def _do(act: str, name: str, reason: str, json_wanted: bool) -> None:
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.campaigns import services

        do: Callable[..., Any] = getattr(services, act)
        do(services.named(name), by=console_user(), at=_now(), reason=reason)
        print_facts(json_wanted, _facts(services.named(name)), _text)


def _now() -> datetime:
    return datetime.now(UTC)


def _whole(text: Any) -> Any:
    """Return a year as the number it is; a supply group code stays text."""
    return int(text) if isinstance(text, str) and len(text) == 4 else text


def _facts(found: Any) -> dict[str, Any]:
    from headend.campaigns import progress
    from headend.campaigns.selection import Selection

    groups = progress.progress(found)
    return {
        "name": found.name,
        "state": found.state,
        "changes": found.changes,
        "selection": Selection.of(found.selection).in_words,
        "groups": [{"sgc": one.sgc, **dict(one.stages), "in all": one.total} for one in groups],
        "failures": [
            {"code": code, "example": example, "meters": count}
            for code, example, count in progress.failures(found)
        ],
    }


def _text(facts: dict[str, Any]) -> str:
    changes = ", ".join(f"{name} {value}" for name, value in facts["changes"].items())
    rows = [f"{facts['name']}: {facts['state']}; {facts['selection']} to {changes}"]
    for group in facts["groups"]:
        counts = ", ".join(f"{count} {stage}" for stage, count in group.items() if stage != "sgc")
        rows.append(f"  SGC {group['sgc']}: {counts}")
    rows += [f"  {one['meters']} {one['code']}: {one['example']}" for one in facts["failures"]]
    return "\n".join(rows)


def _tried_text(facts: dict[str, Any]) -> str:
    rows = [
        f"{facts['to_change']} of {facts['selected']} selected meters would get a new key; "
        f"{facts['online']} of them are online.",
        f"{facts['have_it_already']} have it already, {facts['under_way']} have another key "
        "change under way.",
    ]
    rows += [f"{count} can't be changed: {why}" for why, count in facts["problems"].items()]
    if facts["unknown_numbers"]:
        rows.append(f"Not registered: {', '.join(facts['unknown_numbers'][:10])}")
    return "\n".join(rows)
