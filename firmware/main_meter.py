"""What main.py of the meter of a split pair runs."""

import asyncio

from firmware.boards import ports
from firmware.boards.esp32_meter import make_board
from firmware.meter import app


def main():
    """Run the meter until the power goes."""
    if ports.maintenance_wanted():
        return
    asyncio.run(app.run(make_board()))
