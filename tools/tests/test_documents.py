"""What the documents point at is there: files, tests by name, and links between pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.interpreters import REPOSITORY

DOCUMENTS = sorted([REPOSITORY / "README.md", *REPOSITORY.glob("docs/**/*.md")])
NAMED_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")
NAMED_PATH = re.compile(r"`((?:bench|docs|firmware|headend|hil_tests|shared|tools)/[\w/.-]*)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


@pytest.fixture(params=DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def document(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_each_test_that_is_named_exists(document: Path) -> None:
    missing = [
        f"{path}::{name}"
        for path, name in NAMED_TEST.findall(document.read_text())
        if not (REPOSITORY / path).is_file()
        or f"def {name}(" not in (REPOSITORY / path).read_text()
    ]
    assert missing == []


def test_each_file_that_is_named_exists(document: Path) -> None:
    named = NAMED_PATH.findall(document.read_text())
    assert [path for path in named if not (REPOSITORY / path).exists()] == []


def test_each_link_leads_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_money_document_names_a_test_for_each_rule() -> None:
    rows = re.findall(
        r"^\| .* \| .* \|$", (REPOSITORY / "docs/vending.md").read_text(), re.MULTILINE
    )
    rules = [row for row in rows if row != "| rule | test |"]
    assert len(rules) > 40
    assert [row for row in rules if not NAMED_TEST.search(row)] == []
