"""The key-load file: vending keys under a password of which two people each hold half.

docs/security.md describes the format for whoever wants to write or read it elsewhere.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.dateparse import parse_datetime
from django.views.decorators.debug import sensitive_variables

from headend.config import sealing
from headend.securitymodule.derivation import VENDING_KEY_LENGTH
from headend.securitymodule.errors import LoadFileRefused
from headend.securitymodule.stretching import derive

FORMAT = "openprepay key load 1"
HALF_LENGTH = 8  # at least so many characters
MOST_BYTES = 1 << 20
_SALT_BYTES = 16
_LEAST_SALT_BYTES = 8  # that Argon2 takes
_MOST_CEILING_KWH = 10**12
_BASE_DATES = (1993, 2014, 2035)
_NEEDED = {"sgc", "kt", "krn", "base_date", "key"}
_WANTED = {"ken", "dkga", "is_test", "active_from", "active_until", "credit_ceiling_kwh"}
_DEFAULT_WORK = {"time_cost": 3, "memory_kib": 65536, "lanes": 4}
# What a file may ask of this machine, and what it must ask of whoever tries passwords.
_WORK_LIMITS = {"time_cost": (2, 20), "memory_kib": (19456, 1 << 20), "lanes": (1, 16)}


@dataclass(frozen=True, repr=False)
class LoadedKey:
    """One vending key out of a key-load file. Its text never shows the key."""

    clear_key: bytes
    sgc: str
    kt: int
    krn: int
    base_date: int
    ken: int
    dkga: int
    is_test: bool
    active_from: datetime | None
    active_until: datetime | None
    credit_ceiling_kwh: int | None


@sensitive_variables()
def write(keys: Sequence[LoadedKey], *, halves: tuple[str, str]) -> str:
    """Return the text of a key-load file.

    Args:
        keys: what it carries.
        halves: of the password, at least HALF_LENGTH characters each.

    Raises:
        LoadFileRefused: a half is too short.
    """
    work = {"salt": secrets.token_hex(_SALT_BYTES), **_DEFAULT_WORK}
    cipher = _cipher(halves, work)
    content = json.dumps({"keys": [_as_dictionary(one) for one in keys]}).encode()
    sealed = sealing.seal(cipher, content, label=FORMAT)
    return json.dumps(
        {
            "format": FORMAT,
            "argon2id": work,
            "sealed": base64.b64encode(sealed).decode("ascii"),
        },
        indent=1,
    )


@sensitive_variables()
def read(text: str, *, halves: tuple[str, str]) -> list[LoadedKey]:
    """Return the keys of a key-load file.

    Raises:
        LoadFileRefused: it is no such file, the halves are not right, or it was altered.
    """
    try:
        file = json.loads(text)
        if file["format"] != FORMAT:
            raise ValueError("format")
        work = {name: int(file["argon2id"][name]) for name in _WORK_LIMITS}
        if not all(low <= work[name] <= high for name, (low, high) in _WORK_LIMITS.items()):
            raise ValueError("work")
        if len(bytes.fromhex(file["argon2id"]["salt"])) < _LEAST_SALT_BYTES:
            raise ValueError("salt")
        cipher = _cipher(halves, {"salt": file["argon2id"]["salt"], **work})
        sealed = base64.b64decode(file["sealed"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LoadFileRefused(f"this is not a file of the format “{FORMAT}”") from None
    try:
        content = sealing.unseal(cipher, sealed, label=FORMAT)
    except sealing.Unreadable:
        raise LoadFileRefused(
            "the file does not open: a half of the password is wrong, they are in the wrong "
            "order, or the file was altered"
        ) from None
    return read_keys(content)


@sensitive_variables()
def read_keys(text: str | bytes) -> list[LoadedKey]:
    """Return the keys of the clear content of a key-load file, {"keys": [...]}.

    Raises:
        LoadFileRefused: there is no key, a key lacks something, is there twice, or has something
            impossible. Whoever makes a file is told, too: the clear keys are destroyed afterwards.
    """
    try:
        listed = json.loads(text)["keys"]
        if not isinstance(listed, list):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise LoadFileRefused(
            'the file\'s content is not as it should be: {"keys": [...]}'
        ) from None
    if not listed:
        raise LoadFileRefused("the file holds no key")
    found: list[LoadedKey] = []
    for number, one in enumerate(listed, start=1):
        try:
            key = _from_dictionary(one)
        except _Unclear as unclear:
            raise LoadFileRefused(f"key {number} of the file: {unclear}") from None
        fault = _fault(key) or _same_as_before(key, found)
        if fault:
            raise LoadFileRefused(f"key {number} of the file: {fault}")
        found.append(key)
    return found


def _fault(key: LoadedKey) -> str:
    """Return what is impossible about a key, or an empty text."""
    checks = (
        (1 <= key.kt <= 3, f"kt is 1, 2 or 3, not {key.kt}"),
        (1 <= key.krn <= 9, f"krn is 1 to 9, not {key.krn}"),
        (0 <= key.ken <= 255, f"ken is 0 to 255, not {key.ken}"),
        (key.base_date in _BASE_DATES, f"base_date is 1993, 2014 or 2035, not {key.base_date}"),
        (key.dkga in VENDING_KEY_LENGTH, f"dkga is 2 or 4, not {key.dkga}"),
        (
            len(key.clear_key) == VENDING_KEY_LENGTH.get(key.dkga),
            f"{len(key.clear_key)} bytes are no key of DKGA{key.dkga:02d}",
        ),
        (
            not (key.active_from and key.active_until) or key.active_from < key.active_until,
            "active_until has to lie after active_from",
        ),
        (
            (key.credit_ceiling_kwh or 0) <= _MOST_CEILING_KWH,
            f"credit_ceiling_kwh is {_MOST_CEILING_KWH} at most",
        ),
    )
    return next((why for is_right, why in checks if not is_right), "")


def _same_as_before(key: LoadedKey, before: Sequence[LoadedKey]) -> str:
    for number, one in enumerate(before, start=1):
        if _name(one) == _name(key):
            return f"it has the same sgc, kt, krn, base_date and dkga as key {number}"
    return ""


def _name(key: LoadedKey) -> tuple[str, int, int, int, int]:
    return key.sgc, key.kt, key.krn, key.base_date, key.dkga


@sensitive_variables()
def _cipher(halves: tuple[str, str], work: dict[str, Any]) -> AESGCM:
    typed = [unicodedata.normalize("NFC", half.strip()) for half in halves]
    if min(len(half) for half in typed) < HALF_LENGTH:
        raise LoadFileRefused(f"each half of the password has at least {HALF_LENGTH} characters")
    return AESGCM(derive("\0".join(typed).encode(), work))


def _as_dictionary(key: LoadedKey) -> dict[str, Any]:
    found: dict[str, Any] = {
        "sgc": key.sgc,
        "kt": key.kt,
        "krn": key.krn,
        "base_date": key.base_date,
        "ken": key.ken,
        "dkga": key.dkga,
        "key": key.clear_key.hex(),
        "is_test": key.is_test,
    }
    for name in ("active_from", "active_until"):
        moment = getattr(key, name)
        found[name] = moment.isoformat() if moment else None
    found["credit_ceiling_kwh"] = key.credit_ceiling_kwh
    return found


class _Unclear(ValueError):
    """A key in the file does not follow the format. The message never shows what was written."""


@sensitive_variables()
def _from_dictionary(found: Any) -> LoadedKey:
    """Read one key.

    Nothing is guessed and nothing passed over: a ceiling or a test mark that was told in another
    way would be missing without anybody's notice.
    """
    if not isinstance(found, dict) or not found.keys() >= _NEEDED:
        raise _Unclear(f"it needs {', '.join(sorted(_NEEDED))}")
    if not found.keys() <= _NEEDED | _WANTED:
        raise _Unclear(
            f"it holds something besides {', '.join(sorted(_NEEDED))} "
            f"and, if wanted, {', '.join(sorted(_WANTED))}"
        )
    if not (isinstance(found["sgc"], str) and re.fullmatch(r"[0-9]{6}", found["sgc"])):
        raise _Unclear("sgc is a text of six digits")
    is_test = found.get("is_test", False)
    if not isinstance(is_test, bool):
        raise _Unclear("is_test is true or false")
    ceiling = found.get("credit_ceiling_kwh")
    return LoadedKey(
        clear_key=_clear_key(found["key"]),
        sgc=found["sgc"],
        kt=_whole(found, "kt"),
        krn=_whole(found, "krn"),
        base_date=_whole(found, "base_date"),
        ken=_whole(found, "ken", 255),
        dkga=_whole(found, "dkga", 4),
        is_test=is_test,
        active_from=_moment(found, "active_from"),
        active_until=_moment(found, "active_until"),
        credit_ceiling_kwh=None if ceiling is None else _whole(found, "credit_ceiling_kwh"),
    )


@sensitive_variables()
def _clear_key(told: Any) -> bytes:
    try:
        return bytes.fromhex(told)
    except (TypeError, ValueError):
        raise _Unclear("key is not hexadecimal") from None


def _whole(found: dict[str, Any], name: str, default: int | None = None) -> int:
    number = found.get(name, default)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise _Unclear(f"{name} is a whole number, 0 or more")
    return number


def _moment(found: dict[str, Any], name: str) -> datetime | None:
    told = found.get(name)
    if told is None:
        return None
    try:
        moment = parse_datetime(told)
    except (TypeError, ValueError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _Unclear(
            f"{name} is a date and time with an offset, such as 2026-12-01T00:00:00+02:00"
        )
    return moment
