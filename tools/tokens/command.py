"""`prepay token`: engineering tokens and a meter's key, from a shell or a script.

Exit status: 0 done or asked for, 1 refused, 2 wrong usage.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from tools.headend.answers import answering, as_json, local_time, print_facts

_reason = click.option("--reason", required=True, help="Why; kept in the audit record.")
_number = click.argument("number", metavar="DRN")


@click.group()
def token() -> None:
    """Issue engineering tokens and change a meter's key."""


@token.command()
@as_json
def kinds(json_wanted: bool) -> None:
    """List what can be issued, with the fields of each."""
    with answering(json_wanted):
        from headend.engineering.kinds import KINDS

        facts = {
            "kinds": [
                {
                    "kind": kind.slug,
                    "title": kind.title,
                    "two_people": kind.two_people,
                    "fields": {field.name: _range(field) for field in kind.fields},
                }
                for kind in KINDS.values()
            ]
        }
        print_facts(json_wanted, facts, _kinds_text)


@token.command()
@_number
@click.argument("kind")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A field of the token; may be repeated.",
)
@click.option("--send", is_flag=True, help="Also send it to the meter.")
@_reason
@as_json
def issue(
    number: str, kind: str, settings: tuple[str, ...], send: bool, reason: str, json_wanted: bool
) -> None:
    """Issue a token of a KIND (see `prepay token kinds`), or request it."""
    given: dict[str, Any] = {}
    for setting in settings:
        name, is_one, value = setting.partition("=")
        if not is_one:
            raise click.UsageError(f"{setting!r} is not FIELD=VALUE")
        given[name] = value.split(",") if name == "tests" else value
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.engineering import services
        from headend.engineering.kinds import kind_named
        from headend.meters.queries import meter_numbered

        by, at = console_user(), _now()
        ordered = services.order(
            kind_named(kind), meter_numbered(number), given, by=by, at=at, reason=reason,
            source="console",
        )  # fmt: skip
        if ordered.token is None:
            print_facts(json_wanted, _waiting(ordered.approval), _waiting_text)
            return
        if send:
            services.send(ordered.token, by=by, at=at)
        print_facts(json_wanted, _token_facts(ordered.token), _token_text)


@token.command("list")
@_number
@as_json
def list_(number: str, json_wanted: bool) -> None:
    """List a meter's tokens that were not sold, newest first."""
    with answering(json_wanted):
        from headend.meters.queries import meter_numbered
        from headend.vending.models import IssuedToken

        made = IssuedToken.objects.filter(meter=meter_numbered(number), sale=None)
        facts = {"tokens": [_token_facts(one) for one in made.order_by("-pk")]}
        print_facts(
            json_wanted, facts, lambda told: "\n".join(map(_token_text, told["tokens"])) or "None."
        )


@token.command()
@_number
@click.argument("digits")
@as_json
def verify(number: str, digits: str, json_wanted: bool) -> None:
    """Tell whether a token was issued here, and for this meter."""
    digits = "".join(digits.split()).replace("-", "")
    if not re.fullmatch(r"[0-9]{20}", digits):
        raise click.UsageError("a token is 20 digits; write groups in quotes or without spaces")
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.meters.queries import meter_numbered
        from headend.vending import verification

        meter = meter_numbered(number)
        found = verification.verify(meter=meter, digits=digits, seen_by=console_user())
        facts = {
            "is_issued": found.is_issued,
            "is_for_this_meter": found.is_for_this_meter,
            "token": _token_facts(found.token) if found.token else None,
        }
        print_facts(json_wanted, facts, _verified_text)


@token.command()
@click.argument("token_id", type=int)
@as_json
def send(token_id: int, json_wanted: bool) -> None:
    """Send a token to its meter; `prepay token list` shows its TOKEN_ID."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.engineering import services
        from headend.vending.models import IssuedToken

        made = IssuedToken.objects.filter(pk=token_id).first()
        if made is None:
            raise click.UsageError(f"there is no token {token_id}")
        services.send(made, by=console_user(), at=_now())
        print_facts(json_wanted, _token_facts(made), _token_text)


@token.command("change-key")
@_number
@click.option("--krn", type=int, help="New key revision number, 1..9.")
@click.option("--base-date", type=int, help="New base date: 2014 or 2035.")
@click.option("--sgc", help="New supply group code.")
@click.option("--ti", type=int, help="New tariff index, 0..99.")
@click.option("--tokens", "token_count", type=int, help="Of EA07: 2 or 3.")
@_reason
@as_json
def change_key(
    number: str, token_count: int | None, reason: str, json_wanted: bool, **wanted: Any
) -> None:
    """Request a change of a meter's key; a second person approves."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.engineering import key_orders
        from headend.meters.queries import meter_numbered

        approval = key_orders.order(
            meter_numbered(number),
            {name: value for name, value in wanted.items() if value is not None},
            by=console_user(),
            at=_now(),
            reason=reason,
            token_count=token_count,
            source="console",
        )
        print_facts(json_wanted, _waiting(approval), _waiting_text)


@token.command()
@_number
@as_json
def key(number: str, json_wanted: bool) -> None:
    """Show a meter's key, a key change under way, and its tokens in order."""
    with answering(json_wanted):
        from headend.meters.keys import attributes_of
        from headend.meters.queries import meter_numbered
        from headend.vending import key_changes

        meter = meter_numbered(number)
        change = key_changes.under_way(meter)
        facts: dict[str, Any] = {"meter": meter.drn, "key": attributes_of(meter)}
        if change is not None:
            facts |= {
                "state": change.state,
                "before": change.before,
                "after": change.after,
                "tokens": [one.digits for one in key_changes.tokens_of(change)]
                if change.issued_at
                else [],
            }
        print_facts(json_wanted, facts, _key_text)


@token.command("end-key-change")
@_number
@click.argument("how", type=click.Choice(["entered", "take-back", "send"]))
@click.option("--reason", default="", help="How you know; required except for send.")
@as_json
def end_key_change(number: str, how: str, reason: str, json_wanted: bool) -> None:
    """Send a new key to its meter, mark it as entered, or withdraw it."""
    if how != "send" and not reason:
        raise click.UsageError("say --reason")
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.engineering import key_orders
        from headend.meters.queries import meter_numbered
        from headend.vending import key_changes

        meter, by, at = meter_numbered(number), console_user(), _now()
        change = key_changes.under_way(meter)
        if change is None and how == "take-back":
            change = meter.key_changes.order_by("pk").last()
        if change is None:
            raise click.UsageError(f"meter {meter} has no key change under way")
        if how == "send":
            key_orders.send(change, by=by, at=at)
        elif how == "entered":
            key_orders.mark_entered(change, by=by, at=at, reason=reason)
        else:
            key_orders.withdraw(change, by=by, at=at, reason=reason)
        change.refresh_from_db()
        facts = {"meter": meter.drn, "state": change.state}
        print_facts(json_wanted, facts, lambda told: f"Meter {told['meter']}: {told['state']}")


def _now() -> datetime:
    return datetime.now(UTC)


def _range(field: Any) -> str:
    if field.choices is None:
        return f"{field.minimum}..{field.maximum} {field.unit}".strip()
    return ", ".join(f"{value}={told}" for value, told in field.choices.items())


def _waiting(approval: Any) -> dict[str, Any]:
    return {"waits_for_approval": True, "approval": approval.pk, "summary": approval.summary}


def _waiting_text(facts: dict[str, Any]) -> str:
    return f"Asked for; somebody else has to approve request {facts['approval']}: " + str(
        facts["summary"]
    )


def _token_facts(made: Any) -> dict[str, Any]:
    return {
        "token_id": made.pk,
        "meter": made.meter.drn,
        "purpose": made.purpose,
        "digits": made.digits,
        "class": made.token_class,
        "subclass": made.subclass,
        "tid": made.tid,
        "krn": made.krn,
        "issued_at": made.issued_at.isoformat(),
        "issued_by": made.issued_by.username,
        "delivery": made.delivery.state if made.delivery else None,
    }


def _grouped(digits: str) -> str:
    return " ".join(digits[i : i + 4] for i in range(0, 20, 4))


def _token_text(facts: dict[str, Any]) -> str:
    delivery = f"  ({facts['delivery']})" if facts["delivery"] else ""
    return (
        f"{facts['token_id']:6}  {local_time(facts['issued_at'])}  {facts['purpose']}\n        "
        f"{_grouped(facts['digits'])}{delivery}"
    )


def _verified_text(facts: dict[str, Any]) -> str:
    if facts["token"]:
        return f"Issued here, for this meter:\n{_token_text(facts['token'])}"
    if facts["is_issued"]:
        return "Issued here, but for another meter."
    return "Not issued here."


def _kinds_text(facts: dict[str, Any]) -> str:
    rows = []
    for kind in facts["kinds"]:
        mark = "  (a second person approves)" if kind["two_people"] else ""
        rows.append(f"{kind['kind']:16} {kind['title']}{mark}")
        rows += [f"{'':16}   {name}: {told}" for name, told in kind["fields"].items()]
    return "\n".join(rows)


def _key_text(facts: dict[str, Any]) -> str:
    rows = [f"Meter {facts['meter']}: {_attributes(facts['key'])}"]
    if "state" in facts:
        rows.append(f"Key change {facts['state']}: to {_attributes(facts['after'])}")
        rows += [f"  {_grouped(digits)}" for digits in facts["tokens"]]
    return "\n".join(rows)


def _attributes(key: dict[str, Any]) -> str:
    return (
        f"SGC {key['sgc']} KT {key['kt']} KRN {key['krn']} TI {key['ti']:02d} KEN {key['ken']} "
        f"base {key['base_date']}"
    )
