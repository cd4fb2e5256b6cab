"""Text keeps a contrast of 4.5 : 1 in the light and in the dark scheme, on tinted badges too."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parent.parent / "static/design/openprepay.css").read_text()
LIGHT, DARK = re.findall(r":root \{(.*?)\}", CSS, re.S)[:2]


def _colours(block):
    found = re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block)
    return {name: _rgb(value) for name, value in found}


def _rgb(text):
    digits = text[1:]
    if len(digits) == 3:
        digits = "".join(letter * 2 for letter in digits)
    return tuple(int(digits[at : at + 2], 16) for at in (0, 2, 4))


def _mix(first, second, share):
    return tuple(a * share + b * (1 - share) for a, b in zip(first, second, strict=True))


def _luminance(colour):
    channels = [value / 255 for value in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first, second):
    bright, dim = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _share(rule):
    """The share of the tone that a rule mixes in, so that the test follows the stylesheet."""
    return [int(percent) / 100 for percent in re.findall(r"var\(--tone\) (\d+)%", rule)]


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read(scheme):
    colours = _colours(LIGHT) | _colours(scheme)
    ink, paper, raised = colours["ink"], colours["paper"], colours["raised"]
    quiet = _mix(ink, paper, 0.68)
    assert _contrast(ink, paper) >= 7
    for text in (quiet, colours["accent"]):
        assert _contrast(text, paper) >= 4.5
        assert _contrast(text, raised) >= 4.5
    for button in ("accent", "danger"):
        assert _contrast(colours["on-accent"], colours[button]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("tone", ["good", "low", "danger", "info"])
def test_badges_can_be_read(scheme, tone):
    colours = _colours(LIGHT) | _colours(scheme)
    (badge,) = re.findall(r"\n\.badge \{(.*?)\}", CSS, re.S)
    in_text, in_tint = _share(badge)
    text = _mix(colours[tone], colours["ink"], in_text)
    tint = _mix(colours[tone], colours["paper"], in_tint)
    assert _contrast(text, tint) >= 4.5


def test_nothing_comes_from_another_host():
    folder = Path(__file__).parent.parent
    for file in [*folder.rglob("*.css"), *folder.rglob("*.js"), *folder.rglob("*.html")]:
        outside = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text())
        assert outside in ([], ["http://www.w3.org"]), file
