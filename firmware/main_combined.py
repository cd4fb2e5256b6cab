"""What main.py of a combined box runs: the meter's and the keypad's program side by side."""

import asyncio

from firmware.boards import ports
from firmware.boards.esp32_combined import make_board
from firmware.keypad.unit import KeypadUnit
from firmware.meter import app


def main():
    """Run both until the power goes."""
    if ports.maintenance_wanted():
        return
    asyncio.run(_both())


async def _both():
    meter_board, keypad_board = make_board()
    await asyncio.gather(KeypadUnit(keypad_board).run(), app.run(meter_board))
