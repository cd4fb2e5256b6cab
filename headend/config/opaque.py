"""Row numbers as pages and programs get to see them: thirteen letters and digits instead.

A number tells how many customers there are and invites to try the next one. What is shown instead
is the number under a permutation of all 64-bit numbers that only this installation knows: nothing
is stored, nothing can clash, and the same row is shown the same as long as the installation keeps
its secret key. It hides no row: who may see it is asked all the same.
"""

from __future__ import annotations

import hmac
from functools import cache
from typing import Annotated, Any

from django.conf import settings
from django.urls import register_converter
from pydantic import BeforeValidator, StringConstraints

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: they are misread
_LENGTH = 13  # letters of 5 bits that hold 64
PATTERN = f"[{_ALPHABET}]{{{_LENGTH}}}"  # of what `encode` returns
_HALF = 32
_ROUNDS = 4
_MASK = (1 << _HALF) - 1


def encode(number: int) -> str:
    """Return what stands for a row number, 0..2**63 - 1, in an address."""
    left, right = number >> _HALF, number & _MASK
    for turn in range(_ROUNDS):
        left, right = right, left ^ _mixed(turn, right)
    scrambled = left << _HALF | right
    return "".join(_ALPHABET[scrambled >> 5 * place & 31] for place in range(_LENGTH - 1, -1, -1))


def decode(text: str) -> int:
    """Return the row number that a text stands for.

    Raises:
        ValueError: it stands for none.
    """
    if len(text) != _LENGTH or not set(text) <= set(_ALPHABET):
        raise ValueError(f"{text!r} is no address of a row")
    scrambled = 0
    for letter in text:
        scrambled = scrambled << 5 | _ALPHABET.index(letter)
    if scrambled >> 2 * _HALF:
        raise ValueError(f"{text!r} is no address of a row")
    left, right = scrambled >> _HALF, scrambled & _MASK
    for turn in reversed(range(_ROUNDS)):
        left, right = right ^ _mixed(turn, left), left
    number = left << _HALF | right
    if number >> 63:
        raise ValueError(f"{text!r} is no address of a row")
    return number


def asked(text: str | None) -> int | None:
    """Return the row number that a query in an address asks for; None if it stands for none."""
    try:
        return decode(text or "")
    except ValueError:
        return None


def _mixed(turn: int, half: int) -> int:
    """Return 32 bits that only the installation's key tells from half a number."""
    message = bytes([turn]) + half.to_bytes(4, "big")
    return int.from_bytes(hmac.digest(_key(settings.SECRET_KEY), message, "sha256")[:4], "big")


@cache
def _key(secret: str) -> bytes:
    return f"row numbers|{secret}".encode()


def _encoded(value: Any) -> Any:
    return encode(value) if isinstance(value, int) else value


# A field of what programs are given: it takes a row number and shows what stands for it.
Shown = Annotated[str, BeforeValidator(_encoded), StringConstraints(pattern=f"^{PATTERN}$")]


class OpaqueId:
    """The path converter: `<opaque:customer_id>` hands a view the row number."""

    regex = PATTERN

    def to_python(self, value: str) -> int:
        """Return the row number; what stands for none is no address."""
        return decode(value)

    def to_url(self, value: int) -> str:
        """Return what stands for a row number."""
        return encode(int(value))


register_converter(OpaqueId, "opaque")
