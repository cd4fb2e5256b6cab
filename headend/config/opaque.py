"""Opaque ids for pages and programs: thirteen letters and digits in place of row numbers.

A number tells how many customers there are and invites to try the next one. What is shown instead
is the number, with the kind of the row before it, under a permutation of all 64-bit numbers that
only this installation knows: nothing is stored, nothing can clash, and the same row is shown the
same as long as the installation keeps its secret key. A customer and a debt of one number have
nothing in common, and what is given in the place of the other is told apart. It hides no row: who
may see it is asked all the same.

The kind of a row is its model's label, such as "customers.customer".
"""

from __future__ import annotations

from functools import cache
from hashlib import blake2s, sha256
from typing import Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.db.models import Model
from django.urls import register_converter
from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: they are misread
_LENGTH = 13  # letters of 5 bits that hold 64
PATTERN = f"[{_ALPHABET}]{{{_LENGTH}}}"  # of what `encode` returns
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)  # 10 bits each
_DIGITS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as int() reads base 32
_LETTERS = frozenset(_ALPHABET)
_ROW_BITS = 40
_ROWS = 1 << _ROW_BITS  # a million meters read each half hour fill them in sixty years
_HALF = 32
_ROUNDS = 4
_MASK = (1 << _HALF) - 1


class WrongKind(ValueError):
    """An id stands for a row of another kind than the one that is meant."""


def encode(kind: str, number: int) -> str:
    """Return what stands for a row in an address.

    Args:
        kind: label of the row's model, such as "customers.customer".
        number: of the row, 0..2**40 - 1.
    """
    if not 0 <= number < _ROWS:
        raise ValueError(f"{number} is no row number")
    clear = _tag(kind) << _ROW_BITS | number
    left, right = clear >> _HALF, clear & _MASK
    for keyed in _keyed(settings.SECRET_KEY):
        mixed = keyed.copy()
        mixed.update(right.to_bytes(4, "big"))
        left, right = right, left ^ int.from_bytes(mixed.digest(), "big")
    pairs = _PAIRS
    return (
        _ALPHABET[left >> 28]
        + pairs[left >> 18 & 1023]
        + pairs[left >> 8 & 1023]
        + pairs[(left << 2 | right >> 30) & 1023]
        + pairs[right >> 20 & 1023]
        + pairs[right >> 10 & 1023]
        + pairs[right & 1023]
    )


def id_of(row: Model) -> str:
    """Return what stands for a row in an address."""
    return encode(_kind_of(type(row)), row.pk)


def decode(kind: str, text: str) -> int:
    """Return the row number that a text stands for.

    Args:
        kind: label of the model of which a row is meant.
        text: as `encode` returned it.

    Raises:
        WrongKind: it stands for a row of another kind.
        ValueError: it stands for none.
    """
    if len(text) != _LENGTH or not _LETTERS.issuperset(text):
        _refuse(text)
    scrambled = int(text.translate(_DIGITS), 32)
    if scrambled >> 2 * _HALF:
        _refuse(text)
    left, right = scrambled >> _HALF, scrambled & _MASK
    for keyed in reversed(_keyed(settings.SECRET_KEY)):
        mixed = keyed.copy()
        mixed.update(left.to_bytes(4, "big"))
        left, right = right ^ int.from_bytes(mixed.digest(), "big"), left
    clear = left << _HALF | right
    tag = clear >> _ROW_BITS
    if tag == _tag(kind):
        return clear & _ROWS - 1
    names = _names()
    if tag not in names:
        _refuse(text)
    raise WrongKind(f"{text} is the id of another thing: {names[tag]}, not {names[_tag(kind)]}")


def asked(kind: str, text: str | None) -> int | None:
    """Return the row number that a query in an address asks for; None if it stands for none."""
    try:
        return decode(kind, text or "")
    except ValueError:
        return None


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text!r} is not an id that was given out here")


@cache
def _keyed(secret: str) -> tuple[Any, ...]:
    """Return what mixes half a number in each round, waiting to be copied."""
    key = sha256(f"row numbers|{secret}".encode()).digest()
    return tuple(blake2s(key=key, digest_size=4, person=bytes([turn])) for turn in range(_ROUNDS))


@cache
def _tag(kind: str) -> int:
    """Return the 24 bits that stand for a kind; a test sees to it that no two have the same."""
    model = apps.get_model(kind)
    return int.from_bytes(sha256(_kind_of(model).encode()).digest()[:3], "big")


def _kind_of(model: type[Model]) -> str:
    return model._meta.label_lower


@cache
def _names() -> dict[int, str]:
    """Return what the kinds are called, by what stands for them."""
    return {_tag(_kind_of(model)): str(model._meta.verbose_name) for model in apps.get_models()}


class Shown:
    """Annotates a text that programs are given: it takes a row number and shows its id.

    Args:
        kind: label of the row's model.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Return how it is checked and described."""
        return core_schema.no_info_before_validator_function(
            self._encoded, core_schema.str_schema(pattern=f"^{PATTERN}$")
        )

    def _encoded(self, value: Any) -> Any:
        return encode(self._kind, value) if isinstance(value, int) else value


class _Converter:
    """A path converter: `<customers.customer:customer_id>` hands a view the row number."""

    kind: str
    regex = PATTERN

    def to_python(self, value: str) -> int:
        """Return the row number; what stands for none is no address."""
        return decode(self.kind, value)

    def to_url(self, value: int) -> str:
        """Return what stands for a row number."""
        return encode(self.kind, int(value))


def register_converters() -> None:
    """Let patterns of addresses name rows by the labels of their models."""
    for model in apps.get_models():
        kind = _kind_of(model)
        register_converter(type("OpaqueId", (_Converter,), {"kind": kind}), kind)
