"""How the answers and events of meters read: numbers and names on the wire, words on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from headend.design.figures import kwh
from headend.fleet.delivery import State
from headend.fleet.models import Command
from shared.sts import result as token_result
from shared.wire import code_names, codes, commands

OPEN_REASON_WORDS = {
    "no_credit": "no credit",
    "remote": "disconnected by command",
    "over_power": "too much power drawn",
    "tamper": "tamper",
    "ready_for_reconnection": "waits for a key press at the keypad",
    "fault": "fault in the meter",
}

# Registers go by their OBIS codes; the unit of anything else is the end of its name.
OBIS_NAMES = {"1.8.0": "total_energy_wh"}
UNITS: dict[str, Callable[[int], str]] = {
    "wh": lambda energy_wh: f"{kwh(energy_wh)} kWh",
    "w": lambda power_w: f"{power_w} W",
    "s": lambda seconds: f"{seconds} s",
}

EVENT_TONES = {
    codes.EVENT_TOKEN_ACCEPTED: "good",
    codes.EVENT_TOKEN_REFUSED: "low",
    codes.EVENT_KEYPAD_LOCKED: "low",
    codes.EVENT_LOW_CREDIT: "low",
    codes.EVENT_CREDIT_EXHAUSTED: "danger",
    codes.EVENT_ACCOUNT_CLOSED: "low",
    codes.EVENT_SWITCH_OPENED: "danger",
    codes.EVENT_SWITCH_CLOSED: "good",
    codes.EVENT_SWITCH_FAULT: "danger",
    codes.EVENT_STORAGE_FAULT: "danger",
}

# Token results as one says them to a customer.
TOKEN_WORDS = {
    token_result.ACCEPT: "accepted",
    token_result.OVERFLOW_ERROR: "the meter's register is full",
    token_result.KEY_TYPE_ERROR: "it needs another type of key",
    token_result.FORMAT_ERROR: "not a token",
    token_result.RANGE_ERROR: "out of range for this meter",
    token_result.FUNCTION_ERROR: "this meter has no such function",
    token_result.OLD_ERROR: "older than what the meter remembers",
    token_result.USED_ERROR: "this token was used before",
    token_result.KEY_EXPIRED_ERROR: "the meter's key has expired; change its key",
    token_result.DDTK_ERROR: "the meter still has its factory key",
    token_result.CRC_ERROR: "a wrong number, or a token for another meter",
    token_result.MFR_CODE_ERROR: "for another maker's meters",
    token_result.LOCKOUT_ERROR: "locked for a while after wrong tokens",
    token_result.FIRST_SECTION: "first part of a new key taken",
    token_result.SECOND_SECTION: "second part of a new key taken",
    token_result.THIRD_SECTION: "third part of a new key taken",
    token_result.FOURTH_SECTION: "fourth part of a new key taken",
}

_PLAINLY_DONE = (State.ACCEPTED, token_result.ACCEPT)


def answer_of(command: Command) -> str:
    """The meter's answer in words; empty if there is none or if its state says it all."""
    if command.status is None or (command.state, command.status) == _PLAINLY_DONE:
        return ""
    is_of_token = command.command == commands.TOKEN and command.status < codes.UNKNOWN_COMMAND
    if command.state == State.ACCEPTED and not is_of_token:
        return ""
    return _status(command.status)


def _status(status: int) -> str:
    """What a meter says of a token, by the lower numbers, or of another command."""
    if status < codes.UNKNOWN_COMMAND:
        return TOKEN_WORDS.get(status, token_result.name(status))
    return code_names.status_name(status)


def details(told: Mapping[str, Any]) -> str:
    """The detail of an answer or an event, or a command's arguments, as one line."""
    has_no_identifier = told.get("tid") == 0  # a token that is no credit has none
    left_out = ("tid", "credited_wh") if has_no_identifier else ()
    return ", ".join(_detail(name, value) for name, value in told.items() if name not in left_out)


def open_reasons(reasons: int | list[str]) -> str:
    """Why a load switch is open; a state names the reasons, an event has them as bits."""
    names = codes.open_reason_names(reasons) if isinstance(reasons, int) else reasons
    return ", ".join(OPEN_REASON_WORDS.get(name, name) for name in names)


def told_to_programs(detail: Mapping[str, Any]) -> dict[str, Any]:
    """The detail of an event for programs: why a load switch is open by names, not by bits."""
    reasons = detail.get("open_reasons")
    names = {"open_reasons": codes.open_reason_names(reasons)} if isinstance(reasons, int) else {}
    return {**detail, **names}


def tone_of(event_code: int) -> str:
    """The tone of an event: what took something away, what gave it back, what smells of fraud."""
    return "danger" if codes.is_fraud_event(event_code) else EVENT_TONES.get(event_code, "calm")


def _detail(name: str, value: Any) -> str:
    if name == "open_reasons" and isinstance(value, int | list):
        return f"load off: {open_reasons(value)}" if value else "load on"
    if name == "status" and isinstance(value, int):
        return _status(value)
    if name == "until" and isinstance(value, int):
        return f"until {datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M} UTC"
    stem, _, unit = OBIS_NAMES.get(name, name).rpartition("_")
    if isinstance(value, int) and unit in UNITS:
        return f"{stem.replace('_', ' ')} {UNITS[unit](value)}"
    return f"{name.replace('_', ' ')} {value}"
