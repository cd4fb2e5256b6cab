"""A token taken apart: for people one step a line, for programs one fact a field."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.sts import crc, decoder, result, token_identifier, transport
from shared.sts.cipher import make_cipher
from shared.sts.token import CLEAR_CREDIT, Token
from tools.sts.options import Key

_RESOURCES = ("electricity", "water", "gas", "time")
_UNITS = ("kWh", "m3", "m3", "min")
_MANAGEMENT = (
    "SetMaximumPowerLimit",
    "ClearCredit",
    "SetTariffRate",
    "Set1stSectionDecoderKey",
    "Set2ndSectionDecoderKey",
    "ClearTamperCondition",
    "SetMaximumPhasePowerUnbalanceLimit",
    "SetWaterMeterFactor",
    "Set3rdSectionDecoderKey",
    "Set4thSectionDecoderKey",
    "ExtendedTokenSet",
)
_METER = (
    "InitiateMeterTest/Display, 2-digit manufacturer",
    "InitiateMeterTest/Display, 4-digit manufacturer",
    "ExtendedTokenSet read",
)
_REGISTERS = dict(
    enumerate(
        [*_RESOURCES, *(f"{resource} currency" for resource in _RESOURCES)],
    )
) | {0xFFFF: "all"}

_SECTION_LABELS = {
    "ken_high": "KEN high half",
    "krn": "KRN",
    "rollover": "roll-over",
    "third_token_follows": "third token follows",
    "kt": "KT",
    "ken_low": "KEN low half",
    "ti": "TI",
}


def name(token_class: int, subclass: int) -> str:
    """Return the standard's name of a token."""
    tables: tuple[tuple[str, ...], ...] = (
        tuple(f"TransferCredit {resource}" for resource in _RESOURCES)
        + tuple(f"TransferCurrency {resource}" for resource in _RESOURCES),
        _METER,
        _MANAGEMENT,
    )
    if token_class < len(tables) and subclass < len(tables[token_class]):
        return tables[token_class][subclass]
    return "reserved or proprietary"


def fields(token: Token, base_date: int) -> Iterator[tuple[str, str]]:
    """Yield (field, what it says) of a clear token.

    Args:
        token: its checksum is right.
        base_date: year from which its identifier counts.
    """
    subclass = token.subclass
    yield "class", str(token.token_class)
    yield "subclass", f"{subclass} ({name(token.token_class, subclass)})"
    if token.token_class == 1:
        yield "control", f"{token.control:#x} ({_tests(token)})"
        yield "manufacturer", _manufacturer(token)
        return
    if token.is_key_section:
        yield from _section_fields(token)
        return
    if not token.is_currency:
        yield "RND", str(token.rnd)
    moment = _issued_at(token, base_date)
    yield "TID", f"{token.tid} ({moment:%Y-%m-%d %H:%M} UTC from base date {base_date})"
    yield "value", _value(token)


def _control_bits(token: Token) -> int:
    return 28 if token.subclass == 1 else 36


def _selected(token: Token) -> list[int]:
    return [bit + 1 for bit in range(_control_bits(token)) if token.control >> bit & 1]


def _tests(token: Token) -> str:
    tests = _selected(token)
    if len(tests) == _control_bits(token):
        return "all tests"
    return f"tests {', '.join(map(str, tests)) or 'none'}"


def _value(token: Token) -> str:
    raw = f"{token.value16:#06x}"
    if token.is_currency:
        return f"{raw} = {Decimal(token.currency_amount).scaleb(-5):f} currency units"
    if token.token_class == 0 and token.subclass < 4:
        return f"{raw} = {Decimal(token.units).scaleb(-1):f} {_UNITS[token.subclass]}"
    if token.token_class == 2 and token.subclass in (0, 6):
        return f"{raw} = {token.units} W"
    if token.token_class == 2 and token.subclass == CLEAR_CREDIT:
        return f"{raw} = register {_REGISTERS.get(token.value16, 'unknown')}"
    return raw


def _manufacturer(token: Token) -> str:
    return f"{token.mfr_code:0{4 if token.subclass == 1 else 2}d}"


def _issued_at(token: Token, base_date: int) -> datetime:
    return datetime.fromtimestamp(token_identifier.to_utc(token.tid, base_date), UTC)


def _section_fields(token: Token) -> Iterator[tuple[str, str]]:
    for fact, content in _section_facts(token).items():
        shown = ("no", "yes")[content] if isinstance(content, bool) else str(content)
        yield _SECTION_LABELS[fact], shown
    yield "carries", "a part of the new key or its supply group (not shown)"


def _section_facts(token: Token) -> dict[str, Any]:
    block = token.block
    if token.subclass == 3:
        return {
            "ken_high": block[0] & 15,
            "krn": block[1] >> 4,
            "rollover": bool(block[1] & 8),
            "third_token_follows": bool(block[1] & 4),
            "kt": block[1] & 3,
        }
    if token.subclass == 4:
        return {"ken_low": block[0] & 15, "ti": block[1]}
    return {}


def facts(token: Token, base_date: int) -> dict[str, Any]:
    """Return the fields of a clear token for a program: numbers, one fact a field.

    Args:
        token: its checksum is right.
        base_date: year from which its identifier counts.

    Returns:
        `class`, `subclass`, `name`, and what a token of that kind has: `tests` are numbers from 1,
        `issued_at` is ISO 8601, `value` the 16 bits as they stand, `units` credit in tenths as
        `unit` says, `amount_e5` currency in 0.00001. A manufacturer code stays text: its zeros
        count.
    """
    common: dict[str, Any] = {
        "class": token.token_class,
        "subclass": token.subclass,
        "name": name(token.token_class, token.subclass),
    }
    if token.token_class == 1:
        return common | {
            "control": token.control,
            "tests": _selected(token),
            "mfr_code": _manufacturer(token),
        }
    if token.is_key_section:
        return common | _section_facts(token)
    identified = {
        "tid": token.tid,
        "issued_at": _issued_at(token, base_date).isoformat(),
        "base_date": base_date,
        "value": token.value16,
    }
    random = {} if token.is_currency else {"rnd": token.rnd}
    return common | random | identified | _value_facts(token)


def _value_facts(token: Token) -> dict[str, Any]:
    if token.is_currency:
        return {"amount_e5": token.currency_amount}
    if token.token_class == 0 and token.subclass < 4:
        return {"units": token.units, "unit": f"0.1 {_UNITS[token.subclass]}"}
    if token.token_class == 2 and token.subclass in (0, 6):
        return {"limit_w": token.units}
    if token.token_class == 2 and token.subclass == CLEAR_CREDIT:
        return {"register": token.value16}
    return {}


def explain(digits: str, key: Key | None) -> Iterator[tuple[str, str]]:
    """Yield (step, what is seen there) from a token's digits to its result.

    Args:
        digits: 20 digits.
        key: the meter's key; None reads class 1 whole and the rest up to the encryption.

    Raises:
        WrongFormat: not a token's digits.
    """
    token_class, sent = transport.from_digits(digits)
    bits = f"{int(digits):066b}"
    yield "digits", transport.grouped(digits)
    yield "66 bits", f"{int(digits):017x}"
    yield "", f"{bits[:2]} {bits[2:37]} [{bits[37:39]}] {bits[39:]}"
    yield "class bits", f"[{bits[37:39]}] at 28..27 = class {token_class}; 65..64 go back there"
    if token_class == 3:
        yield "result", "FunctionError: class 3 is reserved"
        return
    yield "64-bit block", bytes(sent).hex()
    if token_class == 1:
        clear = bytes(sent)
    elif key is None:
        yield "result", "encrypted; give --key, or --vending-key and the meter, to read on"
        return
    else:
        clear = make_cipher(key.ea, key.decoder_key).decrypt(sent)
        yield "decrypted", f"{clear.hex()} (EA{key.ea:02d})"
    yield from _explain_clear(token_class, clear, digits, key)


def _explain_clear(
    token_class: int, clear: bytes, digits: str, key: Key | None
) -> Iterator[tuple[str, str]]:
    currency = crc.is_currency(token_class, clear)
    expected = crc.checksum(token_class, clear, currency)
    found = int.from_bytes(clear[6:], "big")
    label = "CRC_C" if currency else "CRC"
    if expected != found:
        yield label, f"{found:04x}, but the fields give {expected:04x}"
        yield "result", "CRCError: mistyped, or for another meter, or under another key"
        return
    yield label, f"{found:04x}, as the fields give"
    yield from fields(Token(token_class, clear), key.base_date if key else 2014)
    code, _ = judge(digits, key)
    yield "result", f"{result.name(code)} ({code}), by a meter that has used no token yet"


def judge(digits: str, key: Key | None) -> tuple[int, Token | None]:
    """Return what a meter with this key and an empty memory of tokens says.

    Its manufacturer code is 00, and it refuses nothing that it does not remember.
    """
    state = decoder.DecoderState()
    if key is not None:
        state = decoder.DecoderState(
            ea=key.ea, decoder_key=key.decoder_key, kt=key.kt, ken=key.ken, base_date=key.base_date
        )
    # Nothing remembered: without this, identifier 0 would count as used.
    state.fill_token_identifiers(-1)
    return decoder.validate(state, digits)
