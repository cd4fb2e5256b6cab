"""Checks for every meter that changes hands: its registers, and orders waiting for it."""

from __future__ import annotations

from datetime import datetime

from headend.design.figures import kwh
from headend.fleet.delivery import UNSENT
from headend.fleet.queries import unfinished_commands
from headend.fleet.services import cancel
from headend.meters.models import Meter
from headend.supply.errors import InvalidRegisters
from headend.supply.trials import told_registers

MOST_WH = 10**12  # no register of a meter goes further


def call_back_orders(meter: Meter, *, at: datetime) -> list[str]:
    """Call back everything that waits for a meter; what was sent to it may still be done.

    Returns:
        list: the names of what was called back.
    """
    waiting = [one for one in unfinished_commands(meter) if one.state in UNSENT]
    for one in waiting:
        cancel(command=one, cancelled_by=None, at=at)
    return [one.command for one in waiting]


def check_registers(meter: Meter, *, energy_wh: int, credit_wh: int) -> None:
    """Refuse registers that a meter can't show.

    Raises:
        InvalidRegisters: out of range, or less energy than the meter told before.
    """
    if not 0 <= energy_wh <= MOST_WH or abs(credit_wh) > MOST_WH:
        raise InvalidRegisters("registers are kWh as the meter shows them; the total is never < 0")
    told = told_registers(meter)
    if told is not None and energy_wh < told.energy_wh:
        raise InvalidRegisters(
            f"meter {meter} told {kwh(told.energy_wh)} kWh before, more than this; read it again"
        )
