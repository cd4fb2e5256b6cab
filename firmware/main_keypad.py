"""What main.py of a keypad unit runs."""

import asyncio
import json

from firmware.boards import ports
from firmware.boards.esp32_keypad import make_board
from firmware.keypad.unit import KeypadUnit


def main():
    """Run the keypad until the power goes."""
    if ports.maintenance_wanted():
        return
    asyncio.run(KeypadUnit(make_board(), _paired_drn()).run())


def _paired_drn():
    try:
        with open("keypad.json") as settings:
            return json.load(settings)["paired_drn"]
    except (OSError, ValueError, KeyError):
        return ""
