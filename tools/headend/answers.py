"""How commands on the head-end answer: facts as text or JSON, refusals as one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from tools.headend.django_setup import set_up_django

REFUSED = 1
UNKNOWN = 3

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")


@contextmanager
def answering(json_wanted: bool, *, hint: str = "") -> Iterator[None]:
    """Set up Django; turn refusals and database trouble into one sentence and an exit status."""
    set_up_django()
    from django.db import DatabaseError

    from headend.config.errors import Refusal

    try:
        yield
    except Refusal as error:
        _fail(json_wanted, REFUSED, error.code, str(error))
    except DatabaseError as error:
        text = str(error).strip().split("\n")[0]
        if "no such table" in text or "does not exist" in text:
            text = "the head-end's database is not set up; run 'make run' once"
            _fail(json_wanted, REFUSED, "database_missing", text)
        remedy = f"; {hint}" if hint else ""
        _fail(json_wanted, UNKNOWN, "unknown", f"no answer from the database ({text}){remedy}")


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
