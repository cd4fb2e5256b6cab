"""How head-end commands answer: facts as text or JSON, refusals as one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click

from headend.config.environment import BadSetting
from tools.headend.django_setup import set_up_django

REFUSED = 1
ASKED_WRONGLY = 2
UNKNOWN = 3

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")


@contextmanager
def answering(json_wanted: bool, *, hint: str = "") -> Iterator[None]:
    """Set up Django; turn refusals and database trouble into one sentence and an exit status."""
    try:
        set_up_django()
    except BadSetting as error:
        _fail(json_wanted, ASKED_WRONGLY, error.code, str(error))
    from django.db import DatabaseError

    from headend.audit import origin
    from headend.config import trouble
    from headend.config.errors import Refusal

    try:
        with origin.coming_from(origin.COMMAND_LINE):
            yield
    except BadSetting as error:
        _fail(json_wanted, ASKED_WRONGLY, error.code, str(error))
    except Refusal as error:
        _fail(json_wanted, REFUSED, error.code, str(error))
    except OverflowError:
        text = "a date or number among the arguments is beyond what can be reckoned with"
        _fail(json_wanted, ASKED_WRONGLY, "out_of_range", text)
    except DatabaseError as error:
        found = trouble.with_database(error)
        remedy = f"; {hint}" if hint and found.status == UNKNOWN else ""
        _fail(json_wanted, found.status, found.code, f"{found.text}{remedy}")


def _fail(json_wanted: bool, status: int, code: str, text: str) -> None:
    if json_wanted:
        click.echo(json.dumps({"error": {"code": code, "message": text}}))
    else:
        click.echo(f"Error: {text}", err=True)
    raise SystemExit(status)


def print_facts(
    json_wanted: bool, facts: dict[str, Any], to_text: Callable[[dict[str, Any]], str]
) -> None:
    """Print facts as JSON if that is wanted, else as the text made of them."""
    click.echo(json.dumps(facts, default=str) if json_wanted else to_text(facts))


def local_time(then: datetime | str) -> str:
    """Return an instant, or its ISO 8601 text, in the utility's time with its zone, for people."""
    from headend.design import figures

    return figures.moment(datetime.fromisoformat(then) if isinstance(then, str) else then)
