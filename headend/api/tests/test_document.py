"""docs/api.md: its examples are run against a live server, its table is the published one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from headend.api import reference, service
from headend.testing import make_supply, new_drn
from headend.vending.models import Sale

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "api.md"


def blocks(language: str) -> list[str]:
    """Return the document's examples in a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )


def test_the_table_of_operations_is_of_now():
    document = DOCUMENT.read_text()
    assert document == reference.with_operations(document), (
        "run: python -m headend.manage api_reference"
    )


def test_every_body_has_an_example_that_fits_its_description():
    described = service.api.get_openapi_schema()
    bodies = [
        operation["requestBody"]["content"]["application/json"]
        for methods in described["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    assert len(bodies) > 30
    for body in bodies:
        whole = body["schema"] | {"components": described["components"]}
        jsonschema_rs.validate(whole, body["example"])


def test_every_parameter_has_an_example_that_fits_or_a_choice():
    described = service.api.get_openapi_schema()
    parameters = [
        one
        for methods in described["paths"].values()
        for operation in methods.values()
        for one in operation.get("parameters", ())
    ]
    for one in parameters:
        if "example" in one:
            jsonschema_rs.validate(one["schema"], one["example"])
        else:
            assert one["in"] == "query" or "enum" in one["schema"], one
    assert sum("example" in one for one in parameters) > 60


def test_operations_have_names_of_their_own_for_generated_clients():
    described = service.api.get_openapi_schema()
    names = [
        one["operationId"] for methods in described["paths"].values() for one in methods.values()
    ]
    assert len(set(names)) == len(names)
    assert "vend_vend" in names


@pytest.mark.django_db(transaction=True)
def test_the_examples_do_what_they_say(
    live_server: Any, program: Callable[..., Any], tmp_path: Path
) -> None:
    meter = make_supply().meter
    environment = dict(
        os.environ, BASE=live_server.url, KEY=program().text, METER=meter.drn, NO_PROXY="*",
        NEW_METER=new_drn(),
    )  # fmt: skip

    def run(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    trial, vend, advice, readings = blocks("sh")
    assert '"lines"' in run("sh", "-c", trial)
    assert not Sale.objects.exists()
    sold = run("sh", "-c", vend)
    assert run("sh", "-c", advice) == sold
    assert run("sh", "-c", vend) == sold
    assert json.loads(run("sh", "-c", readings)) == {"items": [], "next": None}
    script, supply = blocks("python")
    printed = run(sys.executable, "-c", script)
    sale = Sale.objects.latest("pk")
    assert Sale.objects.count() == 2
    assert sale.tokens.get().digits in printed
    assert len(printed.splitlines()) == 3
    refused = subprocess.run(
        [sys.executable, "-c", script], env=environment | {"METER": new_drn()},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert refused.stderr.splitlines()[-1].startswith("meter_not_found: ")
    assert run(sys.executable, "-c", script + supply).splitlines()[-4:] == [
        "advice: True True",
        "owed: 14000",
        "back: 5000 15000",
        "write-off: open",
    ]
