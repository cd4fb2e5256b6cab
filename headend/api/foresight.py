"""What a vend asks the database for before anything else: asked in one trip, not in three.

It is told from the bytes of the request alone. Nothing is decided by it: the answers are used by
those who ask for just that, and whoever asks for something else asks for it then.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from headend.api.keys import prefix_of
from headend.config import statements

_PATHS = frozenset({"/api/v1/vend", "/api/v1/vend/trial"})
_DRN_LENGTHS = (11, 13)
_LARGEST_BYTES = 4096


def asked_surely(request: HttpRequest) -> list[tuple[Any, ...]]:
    """Return statements with their parameters, for `prepared.ahead`; none as a rule."""
    if request.path_info not in _PATHS or request.method != "POST":
        return []
    prefix = prefix_of(request.headers.get("Authorization", "").removeprefix("Bearer "))
    number = _number(request)
    if not prefix or not number:
        return []
    return [(statements.KEY, prefix), (statements.METER_BY_DRN, number)]


def _number(request: HttpRequest) -> str:
    """Return the meter's number if the request seems to have one; its check is for later."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or int(length) > _LARGEST_BYTES:
        return ""
    try:
        body = json.loads(request.body)
    except ValueError:
        return ""
    number = str(body.get("meter")) if isinstance(body, dict) else ""
    fits = number.isascii() and number.isdigit() and len(number) in _DRN_LENGTHS
    return number if fits else ""
