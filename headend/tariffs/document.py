"""Tariffs as documents: the JSON that is stored with a version and that files carry.

Every number is a decimal string, so that reading and writing changes nothing.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from headend.tariffs import components as kinds
from headend.tariffs.errors import InvalidTariff
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules

FORMAT = "openprepay-tariff/1"
_LARGEST = Decimal(10) ** 12
_IN_WORDS = {int: "a whole number", bool: "true or false", str: "text"}
LONGEST_LIST = 100  # of components, or of steps


def write(rules: TariffRules) -> dict[str, Any]:
    """Return rules as plain dictionaries, lists and strings."""
    return {
        "format": FORMAT,
        "minor_digits": rules.minor_digits,
        "components": [{"kind": c.kind, **_written(c)} for c in rules.components],
        "rounding": _written(rules.rounding),
        "fee_recovery": _written(rules.fee_recovery),
    }


def read(document: object) -> TariffRules:
    """Return the rules of a document, checked.

    Raises:
        InvalidTariff: it is no tariff, or one that can't be priced; it says why.
    """
    stated = _mapping(document, "a tariff")
    if stated.get("format") != FORMAT:
        raise InvalidTariff(f"this is not a tariff file: its format is not {FORMAT}")
    parts = stated.get("components")
    if not isinstance(parts, list) or len(parts) > LONGEST_LIST:
        raise InvalidTariff(f"a tariff has a list of at most {LONGEST_LIST} components")
    digits = stated.get("minor_digits", 2)
    if not isinstance(digits, int) or isinstance(digits, bool):
        raise InvalidTariff("minor_digits is a whole number")
    rules = TariffRules(
        components=tuple(_component(part) for part in parts),
        rounding=_read(Rounding, stated.get("rounding", {}), "rounding"),
        fee_recovery=_read(FeeRecovery, stated.get("fee_recovery", {}), "fee_recovery"),
        minor_digits=digits,
    )
    rules.check()
    return rules


def _component(document: object) -> kinds.Component:
    stated = dict(_mapping(document, "a component"))
    kind = stated.pop("kind", None)
    if kind not in kinds.KINDS:
        raise InvalidTariff(
            f"{kind!r} is not a kind of component; choose one of {', '.join(kinds.KINDS)}"
        )
    component: kinds.Component = _read(kinds.KINDS[kind], stated, str(stated.get("name") or kind))
    return component


def _written(thing: Any) -> dict[str, Any]:
    """Return the fields that differ from their defaults."""
    return {
        field.name: _plain(getattr(thing, field.name))
        for field in fields(thing)
        if field.default is MISSING or getattr(thing, field.name) != field.default
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, kinds.Step):
        return {"upto": _plain(value.upto), "rate": _plain(value.rate)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _read(cls: type, document: object, what: str) -> Any:
    stated = _mapping(document, what)
    known = field_types(cls)
    for name in stated:
        if name not in known:
            raise InvalidTariff(f"{what}: {name!r} is not known here")
    values = {name: _value(known[name], stated[name], f"{what}, {name}") for name in stated}
    missing = [f.name for f in fields(cls) if f.default is MISSING and f.name not in values]
    if missing:
        raise InvalidTariff(f"{what}: {', '.join(missing)} missing")
    return cls(**values)


@cache
def field_types(cls: type) -> dict[str, Any]:
    """Return the fields of a component or policy with their types, in order."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _value(wanted: Any, value: object, what: str) -> Any:
    origin, options = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:
        if value is None:
            return None
        return _value(next(o for o in options if o is not types.NoneType), value, what)
    if origin is tuple:
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise InvalidTariff(f"{what}: a list of at most {LONGEST_LIST}")
        return tuple(_value(options[0], each, what) for each in value)
    if wanted is Decimal:
        return _decimal(value, what)
    if wanted is kinds.Step:
        return _read(kinds.Step, value, what)
    if type(value) is not wanted:
        raise InvalidTariff(f"{what}: {value!r} is not {_IN_WORDS[wanted]}")
    return value


def _decimal(value: object, what: str) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number) >= _LARGEST:
        raise InvalidTariff(f'{what}: {value!r} is not a number; write it as text, such as "2.50"')
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -12:
        raise InvalidTariff(f"{what}: {value} has more than 12 decimals")
    return number


def _mapping(document: object, what: str) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise InvalidTariff(f"{what} is written as an object with named fields")
    return document
