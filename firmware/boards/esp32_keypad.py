"""The keypad unit of a split pair on an ESP32 (WROOM-32): which pin is what.

Column inputs 36 and 39 have no pulls of their own, so all three columns get 10 kOhm to 3.3 V.
"""

from machine import UART, Pin, unique_id

from firmware.boards.customer_side import KeypadBoard

PINS = {
    "rows": (32, 33, 25, 26),
    "columns": (36, 39, 27),
    "lamps": (18, 19, 23, 4),  # green, amber, red, link
    "buzzer": 13,
    "scl": 22,
    "sda": 21,
}
METER_TX = 17
METER_RX = 16
BAUD = 19200


def make_board():
    """Set up the hardware and return what the keypad's program sees of it."""
    line = UART(2, baudrate=BAUD, tx=Pin(METER_TX), rx=Pin(METER_RX), rxbuf=512)
    return KeypadBoard(PINS, line, unique_id())
