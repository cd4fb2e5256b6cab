"""Field names and values of records and requests as people read them, with units.

A field's name ends with its unit (`amount_minor`, `credit_wh`), so figures can be told exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings

from headend.design import figures

_MINOR, _WH = "_minor", "_wh"


def label(name: str) -> str:
    """The name of a field as words: ``needs_second_factor`` is ``needs second factor``."""
    return name.removesuffix(_MINOR).removesuffix(_WH).replace("_", " ")


def text(name: str, value: Any) -> str:
    """A field's value, exactly; an empty text where there is nothing.

    Args:
        name: of the field; tells the unit.
        value: as JSON holds it.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith(_MINOR):
        return figures.decimal(value, digits=settings.BASE_CURRENCY_MINOR_DIGITS)
    if isinstance(value, int) and name.endswith(_WH):
        return f"{Decimal(value).scaleb(-3).normalize():f} kWh"
    if isinstance(value, Mapping):
        return ", ".join(f"{label(key)}: {text(key, one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(text(name, one) for one in value)
    return str(value)


def fields(held: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of what is not empty, in their order."""
    told = ((label(name), text(name, value)) for name, value in held.items())
    return [(name, value) for name, value in told if value]
