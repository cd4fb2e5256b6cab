"""The meter of a split pair with the stand-in for its rules."""

import asyncio

from firmware.boards.esp32_meter import make_board
from firmware.boards.tests import stand_in


def main():
    """Run until the power goes."""
    asyncio.run(stand_in.run(make_board()))
