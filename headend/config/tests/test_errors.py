"""A refusal as a person reads it."""

import re
from pathlib import Path

import pytest

from headend.config.errors import Refusal

HEADEND = Path(__file__).parents[2]
CATCHES = re.compile(r"except \w*(?:Refus|Invalid|TooMany)\w* as (\w+):")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("meter 7 is not installed", "Meter 7 is not installed."),
        ("Try again in 5 minutes.", "Try again in 5 minutes."),
        ("tomorrow's is 9; is the base date right?", "Tomorrow's is 9; is the base date right?"),
    ],
)
def test_a_refusal_is_a_sentence(said, shown):
    assert Refusal(said).sentence == shown


def pages():
    """Return the modules that show pages and read forms."""
    return [*HEADEND.glob("**/*views.py"), *HEADEND.glob("**/*forms.py")]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(HEADEND)))
def test_pages_show_a_refusal_as_a_sentence(page):
    for caught in CATCHES.finditer(source := page.read_text()):
        handler = source[caught.end() :].splitlines()[1:5]
        bare = [line for line in handler if f"str({caught[1]})" in line and "split" not in line]
        assert not bare
