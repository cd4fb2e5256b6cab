"""A combined box with the stand-in for the meter."""

import asyncio

from firmware.boards.esp32_combined import make_board
from firmware.boards.tests import stand_in
from firmware.keypad.unit import KeypadUnit


async def _both():
    meter_board, keypad_board = make_board()
    await asyncio.gather(KeypadUnit(keypad_board).run(), stand_in.run(meter_board))


def main():
    """Run until the power goes."""
    asyncio.run(_both())
