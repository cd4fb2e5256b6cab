"""Reads the settings of an installation from environment variables.

A value that can't be meant is refused when a program starts, by one sentence that names the
variable: what is silently taken for something else is found out when it matters. No value is
repeated in a message that may hold a password.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
_ORIGIN = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|(\*\.)?[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_TOPIC = re.compile(r"[^+#$/\s]+(/[^+#/\s]+)*")
_LONGEST_TOPIC = 100
_DECIMALS = 2  # of the base currency's amounts


class BadSetting(Exception):
    """An environment variable, or a file it names, does not hold what it is for.

    Whoever installed the program has to mend it; nothing was done.
    """

    code = "bad_setting"


def text(name: str, default: str = "") -> str:
    """Return a variable's text; the default if it is not set or empty.

    Raises:
        BadSetting: it holds what can't be shown.
    """
    value = os.environ.get(name) or default
    if not value.isprintable():
        raise BadSetting(f"{name} holds characters that can't be shown, or is not UTF-8")
    return value


def words(name: str, *, of: Callable[[str], Any] | None = None, like: str = "") -> list[str]:
    """Return a variable's words, which commas or spaces divide.

    Args:
        name: the variable.
        of: checks a word, by a ValueError or by returning nothing.
        like: examples of what is right, for the message.

    Raises:
        BadSetting: a word is not right.
    """
    found = text(name).replace(",", " ").split()
    for word in found:
        if of is not None and not _passes(of, word):
            raise BadSetting(f"{name} has {word!r}, which is none of {like}")
    return found


def flag(name: str) -> bool:
    """Return whether a variable says yes.

    Raises:
        BadSetting: it says neither yes nor no.
    """
    value = text(name).lower()
    if value not in _YES and value not in _NO:
        raise BadSetting(f"{name} is {value!r}; say 1 or 0")
    return value in _YES


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Return the whole number that a variable holds.

    Raises:
        BadSetting: it holds none from `least` to `most`.
    """
    value = text(name, str(default))
    if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise BadSetting(f"{name} is {value!r}; it is a whole number from {least} to {most}")
    return int(value)


def choice(name: str, of: Collection[str], default: str) -> str:
    """Return which of some words a variable names.

    Raises:
        BadSetting: none of them.
    """
    value = text(name, default)
    if value not in of:
        raise BadSetting(f"{name} is {value!r}; it is one of {', '.join(sorted(of))}")
    return value


def time_zone(name: str, default: str) -> str:
    """Return the time zone that a variable names.

    Raises:
        BadSetting: there is none of that name.
    """
    value = text(name, default)
    if not _passes(ZoneInfo, value):
        raise BadSetting(f"{name} is {value!r}; it is a time zone such as {default}")
    return value


def currency(name: str, default: str, *, decimals: dict[str, int]) -> str:
    """Return the currency that a variable names; amounts are kept with two decimals.

    Args:
        name: the variable.
        default: if it is not set.
        decimals: of each currency there is.

    Raises:
        BadSetting: it is none, or has not two decimals.
    """
    value = text(name, default)
    if decimals.get(value) != _DECIMALS:
        raise BadSetting(
            f"{name} is {value!r}; it is a currency of two decimals, by its three capital letters"
        )
    return value


def networks(name: str) -> list[str]:
    """Return the networks that a variable lists.

    Raises:
        BadSetting: one is none.
    """
    return words(name, of=_is_network, like="networks such as 10.1.2.0/24")


def hosts(name: str) -> list[str]:
    """Return the host names that a variable lists.

    Raises:
        BadSetting: one is none, but for example a whole address.
    """
    return words(name, of=_HOST.fullmatch, like="host names such as vend.example.org")


def origins(name: str) -> list[str]:
    """Return the origins that a variable lists.

    Raises:
        BadSetting: one is none.
    """
    return words(name, of=_ORIGIN.fullmatch, like="origins such as https://vend.example.org")


def topic(name: str, default: str) -> str:
    """Return the beginning of MQTT topics that a variable names.

    Raises:
        BadSetting: no topic begins so.
    """
    value = text(name, default)
    if len(value) > _LONGEST_TOPIC or not _TOPIC.fullmatch(value):
        raise BadSetting(f"{name} is {value!r}; it is the beginning of a topic, such as {default}")
    return value


def broker(name: str, default: str) -> str:
    """Return the address of a broker.

    Raises:
        BadSetting: it is none.
    """
    value = text(name, default)
    if not _is_address(value, schemes=("mqtt", "mqtts"), host_needed=True):
        raise BadSetting(f"{name} is not an address such as mqtts://user:password@host:8883")
    return value


def database(name: str, default: str) -> str:
    """Return the address of a database.

    Raises:
        BadSetting: it is none, or of a kind that is not known here.
    """
    value = text(name, default)
    if not _is_address(value, schemes=("postgres", "postgresql", "sqlite")):
        raise BadSetting(
            f"{name} is not an address such as postgres://user:password@host/openprepay or "
            "sqlite:////folder/file; in user and password, write other characters than letters "
            "and digits as %40 for @"
        )
    return value


def certificates(name: str) -> str:
    """Return the file of certificates that a variable names; empty if none.

    Raises:
        BadSetting: it holds none.
    """
    value = text(name)
    if value:
        import ssl  # slow to load, and seldom needed

        try:
            ssl.create_default_context(cafile=value)
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or "it holds none"
            raise BadSetting(f"{name}: no certificates are read from {value} ({words})") from None
    return value


def file(name: str, default: Path) -> Path:
    """Return the file or folder that a variable names."""
    return Path(text(name, str(default)))


def _is_network(word: str) -> bool:
    ipaddress.ip_network(word, strict=False)
    return True


def _is_address(value: str, *, schemes: Collection[str], host_needed: bool = False) -> bool:
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname and parts.port != 0)
    except ValueError:
        return False
    return parts.scheme in schemes and "://" in value and (has_host or not host_needed)


def _passes(check: Callable[[str], Any], word: str) -> bool:
    try:
        return bool(check(word))
    except (ValueError, OSError, KeyError):  # of a time zone there is no file, or a folder
        return False
