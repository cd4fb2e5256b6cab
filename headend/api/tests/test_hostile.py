"""Bodies and addresses that are valid JSON and text but meant badly: nothing of it is a 5xx.

The description says what there is: each field of each operation's example is replaced in turn,
the others stay as they should be, so that what is wrong gets as far as it can.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction

from headend.api import service
from headend.testing import make_supply

HOSTILE: tuple[Any, ...] = (
    10**30,
    -(2**63) - 1,
    2**31,
    1e308,
    -1,
    0,
    "",
    "a\x00b",
    "\ud800",
    "x" * 100_000,
    "\u202e🔌\n",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "1e999999999",
    "NaN",
    None,
    True,
    [],
    {},
    [[[[[[]]]]]],
    ["\x00"] * 300,
    {"\x00": "\ud800"},
)
EACH = 1  # of them for every field, in turn; all of them found nothing either
TEXTS = ("a\x00b", "\udcff", "9" * 400, "%", "-1", "\u202e", "..", "x" * 10_000)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of all there is."""
    for path, methods in service.api.get_openapi_schema()["paths"].items():
        for method, described in methods.items():
            yield method, path.removeprefix("/api/v1"), described


def places(example: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where something stands in an example, itself first."""
    yield at
    inside: dict[Any, Any] = example if isinstance(example, dict) else {}
    if isinstance(example, list):
        inside = dict(enumerate(example))
    for key, part in inside.items():
        yield from places(part, (*at, key))


def with_value(example: Any, at: tuple[Any, ...], value: Any) -> Any:
    """Return an example with another value somewhere."""
    if not at:
        return value
    changed = copy.deepcopy(example)
    inside = changed
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = value
    return changed


class Hunt:
    """Sends and collects what broke."""

    def __init__(self, program: Any) -> None:
        self._client = program._client
        self._client.raise_request_exception = False
        self.sent = 0
        self.broken: list[str] = []

    def send(self, method: str, path: str, body: bytes | None = None) -> None:
        with transaction.atomic():
            answer = self._client.generic(
                method.upper(), f"/api/v1{path}", body or b"", content_type="application/json"
            )
            transaction.set_rollback(True)
        self.sent += 1
        if answer.status_code >= 500:
            found = getattr(answer, "exc_info", None)
            self.broken.append(
                f"{method} {path} {(body or b'')[:120]!r}: {answer.content[:80]!r}"
                f" {found and found[1]!r}"
            )


def path_of(path: str, described: dict[str, Any], **other: str) -> str:
    """Return a path with examples in it, but for those that are named."""
    for one in described.get("parameters", ()):
        if one["in"] == "path":
            value = other.get(one["name"], str(one.get("example", "x")))
            path = path.replace("{" + one["name"] + "}", value)
    return path


@pytest.fixture
def hunt(program, monkeypatch):
    make_supply()
    hunt = Hunt(program())
    yield hunt
    assert hunt.broken == []
    assert hunt.sent > 50


def test_no_field_of_a_body_breaks_anything(hunt):
    values = cycle(HOSTILE)
    for method, path, described in operations():
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        for at in places(content["example"]):
            for value in islice(values, EACH):
                body = json.dumps(with_value(content["example"], at, value)).encode()
                hunt.send(method, path_of(path, described), body)


def test_no_part_of_an_address_breaks_anything(hunt):
    values = cycle(TEXTS)
    for method, path, described in operations():
        for one in described.get("parameters", ()):
            for value in islice(values, EACH):
                text = quote(value.encode("utf-8", "surrogateescape"), safe="")
                if one["in"] == "path":
                    hunt.send(method, path_of(path, described, **{one["name"]: text}))
                elif one["in"] == "query":
                    hunt.send(method, f"{path_of(path, described)}?{one['name']}={text}")


def test_no_body_as_a_whole_breaks_anything(hunt):
    bodies = (
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"\xff\xfe",
        b'"\\ud800"',
        b"1" * 5_000,
        b'{"tender_minor": ' + b"9" * 5_000 + b"}",
        b"NaN",
        b"x" * 10_000_000,
        b'{"meter": "' + b"x" * 10_000_000 + b'"}',
    )
    for method, path, described in operations():
        if "requestBody" not in described:
            continue
        whole = path in ("/vend", "/trial-vend", "/customers")
        for body in bodies if whole else bodies[:2]:
            hunt.send(method, path_of(path, described), body)
