"""Meter and keypad in one box on one ESP32 (WROOM-32): the pins of both, no line between."""

from machine import unique_id

from firmware.boards import esp32_keypad, esp32_meter
from firmware.boards.customer_side import KeypadBoard
from firmware.boards.loop_back import make_loop_back
from firmware.boards.metering_side import MeterBoard


def make_board():
    """Set up the hardware.

    Returns:
        (meter board, keypad board): what each of the two programs sees; a loop-back joins them.
    """
    meter_end, keypad_end = make_loop_back()
    keypad = KeypadBoard(esp32_keypad.PINS, keypad_end, unique_id())
    return MeterBoard(esp32_meter.PINS, meter_end), keypad
