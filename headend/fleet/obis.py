"""Registers under their OBIS codes (IEC 62056-6-1), with quantity and unit as DLMS names them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headend.fleet.models import MeterState, Reading

TOTAL_IMPORT, POWER_IMPORT, VOLTAGE = "1.8.0", "1.7.0", "32.7.0"
_MEDIUM = "1-0"  # electricity, no channel
_TOTAL, _INSTANTANEOUS = "8", "7"  # value group D: since installation, at that instant
_MILLI = -3

# By value groups C and D: what it is, and its unit.
_QUANTITIES = {
    ("1", _TOTAL): ("active energy import", "Wh"),
    ("2", _TOTAL): ("active energy export", "Wh"),
    ("3", _TOTAL): ("reactive energy import", "varh"),
    ("4", _TOTAL): ("reactive energy export", "varh"),
    ("9", _TOTAL): ("apparent energy import", "VAh"),
    ("21", _TOTAL): ("active energy import, phase L1", "Wh"),
    ("41", _TOTAL): ("active energy import, phase L2", "Wh"),
    ("61", _TOTAL): ("active energy import, phase L3", "Wh"),
    ("22", _TOTAL): ("active energy export, phase L1", "Wh"),
    ("42", _TOTAL): ("active energy export, phase L2", "Wh"),
    ("62", _TOTAL): ("active energy export, phase L3", "Wh"),
    ("1", _INSTANTANEOUS): ("active power import", "W"),
    ("32", _INSTANTANEOUS): ("voltage, phase L1", "V"),
}


@dataclass(frozen=True)
class Register:
    """One register as a meter told it.

    Attributes:
        obis: its code, "1-0:1.8.0".
        quantity: what it measures; None if the code is not known here.
        value: to be multiplied by 10 to the power of `scaler`.
        scaler: power of ten.
        unit: "Wh", "W", "V" and so on; None if the code is not known here.
    """

    obis: str
    quantity: str | None
    value: int
    scaler: int
    unit: str | None


def register(code: str, value: int, *, scaler: int = 0) -> Register:
    """Return a register by its reduced code.

    Args:
        code: value groups C, D and E: "1.8.0" is the total, "1.8.2" that of the second rate.
        value: as the meter told it.
        scaler: power of ten that the value is of.
    """
    group_c, _, rest = code.partition(".")
    group_d, _, rate = rest.partition(".")
    quantity, unit = _QUANTITIES.get((group_c, group_d), (None, None))
    if quantity and group_d == _TOTAL:
        quantity += ", total" if rate == "0" else f", rate {rate}"
    return Register(f"{_MEDIUM}:{code}", quantity, value, scaler, unit)


def of_reading(reading: Reading) -> list[Register]:
    """Return the registers of a reading, the meter's own first."""
    return [
        *(register(code, value) for code, value in sorted(reading.registers.items())),
        *_measured(reading.power_w, reading.voltage_mv),
    ]


def of_state(state: MeterState) -> list[Register]:
    """Return the registers of a meter's last state."""
    told = state.content
    total = [register(TOTAL_IMPORT, told["energy_wh"])] if "energy_wh" in told else []
    return [*total, *_measured(told.get("power_w"), None)]


def _measured(power_w: int | None, voltage_mv: int | None) -> Iterator[Register]:
    if power_w is not None:
        yield register(POWER_IMPORT, power_w)
    if voltage_mv is not None:
        yield register(VOLTAGE, voltage_mv, scaler=_MILLI)
