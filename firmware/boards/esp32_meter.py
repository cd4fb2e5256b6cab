"""The meter of a split pair on an ESP32 (WROOM-32): which pin is what.

Inputs 34 and 35 have no pulls: the pulse input (10 kOhm up, 100 nF) and the relay's auxiliary
contact bring their own. The keypad line goes through an auto-direction RS-485 transceiver or
straight over two wires.
"""

from machine import UART, Pin

from firmware.boards.metering_side import MeterBoard

PINS = {"pulses": 34, "sense": 35, "close_coil": 16, "open_coil": 17}
KEYPAD_TX = 25
KEYPAD_RX = 26
BAUD = 19200


def make_board():
    """Set up the hardware and return what the meter's program sees of it."""
    line = UART(2, baudrate=BAUD, tx=Pin(KEYPAD_TX), rx=Pin(KEYPAD_RX), rxbuf=512)
    return MeterBoard(PINS, line)
