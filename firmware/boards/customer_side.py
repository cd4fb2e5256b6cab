"""Keys, display, lamps and buzzer: what an ESP32 keypad unit and a combined box share."""

import time

from machine import I2C, PWM, Pin

from firmware.boards import ports
from firmware.drivers.buzzer import Buzzer
from firmware.drivers.hd44780 import CharacterDisplay
from firmware.drivers.key_matrix import Debouncer, KeyMatrix
from firmware.drivers.lamps import Lamps

_I2C_HERTZ = 100000


class KeypadBoard:
    """What the keypad's program sees of its hardware.

    Attributes:
        matrix, debouncer: the keys.
        display: `await show(rows, cursor)`.
        lamps: `set(bits)`, bits as in shared.wire.keypad_messages.
        buzzer: `play(pattern)`, `update()`.
        stream: the line to the meter, `any()`, `readinto(buffer)`, `write(octets)`.
        unit_id: eight bytes that name this keypad.
        random, log: as on the meter.
    """

    def __init__(self, pins, stream, unit_id):
        """Set up the hardware.

        Args:
            pins: numbers of the pins: "rows" and "columns" of the keys, "lamps" in the order of
                their bits, "buzzer", "scl" and "sda".
            stream: the keypad's end of the line to the meter.
            unit_id: the chip's unique id, at most eight bytes.
        """
        rows = [Pin(number, Pin.IN) for number in pins["rows"]]
        columns = [Pin(number, Pin.IN) for number in pins["columns"]]
        self.matrix = KeyMatrix(rows, columns)
        self.debouncer = Debouncer()
        bus = I2C(0, scl=Pin(pins["scl"]), sda=Pin(pins["sda"]), freq=_I2C_HERTZ)
        self.display = CharacterDisplay(bus)
        self.lamps = Lamps([Pin(number, Pin.OUT, value=0) for number in pins["lamps"]])
        sounder = PWM(Pin(pins["buzzer"], Pin.OUT, value=0), freq=2000, duty_u16=0)
        self.buzzer = Buzzer(sounder, time.ticks_ms, time.ticks_diff)
        self.stream = stream
        self.unit_id = (unit_id + bytes(8))[:8]
        self.random = ports.random_bytes
        self.log = ports.log
