"""What is soldered to the simulated boards: key matrix, display, relay, lamps, buzzer, pulses.

Each part acts on pin levels or bus bytes only, as its real counterpart does, and tells the bench
what a person would see or hear. `connect` says which pin is what, per board.
"""

import bench_line
from utime import ticks_diff, ticks_ms

KEY_ROWS = ("123", "456", "789", "*0#")
# A coil needs this long to move the contact; shorter pulses do nothing.
_SHORTEST_COIL_PULSE_MS = 20
_RELAY_FILE = "relay.txt"


class KeyMatrix:
    """Twelve switches between four row pins and three column pins with pull-ups."""

    def __init__(self, rows, columns):
        self.rows = rows
        self.columns = columns
        self.down = []  # (row pin, column pin) of each pressed key

    def on_key(self, message):
        """Take {"key": ..., "down": ...}: a contact closes or opens."""
        key = message["key"]
        for row, keys in enumerate(KEY_ROWS):
            column = keys.find(key)
            if column >= 0:
                switch = (self.rows[row], self.columns[column])
                if switch in self.down:
                    self.down.remove(switch)
                if message.get("down", True):
                    self.down.append(switch)

    def column_level(self, column, levels):
        """Level of a column pin: low if pressed keys connect it to any row driven low.

        The connection may run through several keys: that is what makes ghosts.
        """
        joined = [column]
        for pin in joined:  # grows while we walk it
            for switch in self.down:
                if pin in switch:
                    other = switch[0] if pin == switch[1] else switch[1]
                    if other not in joined:
                        joined.append(other)
        for pin in joined:
            if levels.get(pin) == 0:
                return 0
        return 1


class Relay:
    """A latching relay with two coils and an auxiliary contact; it keeps its state unpowered."""

    def __init__(self, close_coil, open_coil):
        self._coils = {close_coil: True, open_coil: False}
        self._energised = {close_coil: None, open_coil: None}
        self.stuck = False
        try:
            with open(_RELAY_FILE) as kept:
                self.closed = kept.read() == "closed"
        except OSError:
            self.closed = False
        self._tell()

    def on_stuck(self, message):
        """Take {"relay_stuck": ...}: the contact is welded, or free again."""
        self.stuck = bool(message["relay_stuck"])

    def _tell(self):
        bench_line.emit({"relay": "closed" if self.closed else "open"})

    def drive(self, pin, level):
        """A coil's pin changed level."""
        started = self._energised[pin]
        if level and started is None:
            self._energised[pin] = ticks_ms()
            if None not in self._energised.values():
                bench_line.log("error", "relay: both coils are energised")
        elif not level and started is not None:
            self._energised[pin] = None
            long_enough = ticks_diff(ticks_ms(), started) >= _SHORTEST_COIL_PULSE_MS
            if long_enough and not self.stuck:
                self._move(self._coils[pin])

    def _move(self, closed):
        if closed == self.closed:
            return
        self.closed = closed
        with open(_RELAY_FILE, "w") as kept:
            kept.write("closed" if closed else "open")
        self._tell()


class Lamps:
    """Lamps by name; the bench hears all of them when one changes."""

    def __init__(self, names):
        self._names = names  # pin number -> name
        self.lit = {name: False for name in names.values()}

    def drive(self, pin, level):
        """A lamp's pin changed level; tells the bench if that changes the lamp."""
        name = self._names[pin]
        if self.lit[name] != bool(level):
            self.lit[name] = bool(level)
            bench_line.emit({"lamps": self.lit})


class PulseOutput:
    """The metering part's pulse output with its lamp, driven by the bench."""

    def __init__(self):
        self.count = 0

    def on_pulses(self, message):
        """Take {"pulses": n}: so many more were counted."""
        self.count += message["pulses"]
        bench_line.emit({"pulse_lamp": 1})


class Display:
    """An HD44780 with 2 x 16 characters behind a PCF8574, as seen from the I2C bus.

    PCF8574: P0 RS, P1 RW, P2 EN, P3 backlight, P4..P7 the data nibble, taken when EN falls.
    """

    def __init__(self):
        self._memory = bytearray(b" " * 128)  # display RAM; row bases 0x00 and 0x40
        self._address = 0
        self._enable = 0
        self._four_bits = False
        self._high = None  # first nibble of a byte
        self._glyphs = False  # data goes to the character generator
        self._on = False
        self._cursor_on = False
        self._shown = None
        self.present = True

    def on_present(self, message):
        """Take {"lcd_present": ...}: unplugged, or plugged in again."""
        self.present = bool(message["lcd_present"])
        if not self.present:  # unplugged: it forgets everything
            self._four_bits = self._on = False
            self._high = self._shown = None

    def write(self, octets):
        """Take the bytes of one I2C write."""
        for octet in octets:
            if self._enable and not octet & 4:
                self._nibble(octet >> 4, octet & 1)
            self._enable = octet & 4
        self._tell()

    def rows(self):
        """The two rows as text; blank while the display is off."""
        if not self._on:
            return [" " * 16, " " * 16]
        return [self._text(0), self._text(0x40)]

    def cursor(self):
        """Position of the visible cursor, 0..31, or None."""
        column = self._address & 0x3F
        if not self._on or not self._cursor_on or column >= 16:
            return None
        return column + (16 if self._address & 0x40 else 0)

    def _text(self, start):
        return "".join(chr(c) if 32 <= c < 127 else "?" for c in self._memory[start : start + 16])

    def _tell(self):
        shown = (self.rows(), self.cursor())
        if shown != self._shown:
            self._shown = shown
            bench_line.emit({"lcd": shown[0], "cursor": shown[1]})

    def _nibble(self, nibble, is_data):
        if not self._four_bits:  # 8-bit mode: only the upper half of the bus is wired
            self._four_bits = not is_data and nibble == 2
            return
        if self._high is None:
            self._high = nibble
            return
        octet = self._high << 4 | nibble
        self._high = None
        if is_data:
            self._data(octet)
        else:
            self._command(octet)

    def _data(self, octet):
        if self._glyphs:
            return
        self._memory[self._address] = octet
        self._address = (self._address + 1) & 0x7F

    def _command(self, octet):
        if octet & 0x80:
            self._address = octet & 0x7F
            self._glyphs = False
        elif octet & 0x40:
            self._glyphs = True
        elif octet & 0x20:
            self._four_bits = not octet & 0x10
        elif octet & 0x08 and not octet & 0x10:
            self._on = bool(octet & 4)
            self._cursor_on = bool(octet & 3)
        elif octet & 0x02:
            self._address = 0
        elif octet == 0x01:
            self._memory[:] = b" " * 128
            self._address = 0


class Parts:
    """The parts of one board, by the pin that reaches them."""

    def __init__(self):
        self.drives = {}  # pin -> function(pin, level) for outputs
        self.reads = {}  # pin -> function(pin) for inputs
        self.levels = {}  # pin -> level while it is an output
        self.i2c = {}  # bus address -> part with write(octets)
        self.pulses = {}  # pin -> PulseOutput
        self.keys = self.relay = self.lamps = self.display = None
        self.buzzer_pin = None

    def add_customer_side(self, rows, columns, lamps, buzzer):
        """Keys, display, lamps and buzzer of a keypad unit or a combined box."""
        self.keys = KeyMatrix(rows, columns)
        bench_line.handlers["key"] = self.keys.on_key
        bench_line.handlers["down"] = _ignore
        for pin in columns:
            self.reads[pin] = self._read_column
        self.lamps = Lamps(lamps)
        for pin in lamps:
            self.drives[pin] = self.lamps.drive
        self.display = Display()
        bench_line.handlers["lcd_present"] = self.display.on_present
        self.i2c[0x27] = self.display
        self.buzzer_pin = buzzer

    def add_metering_side(self, close_coil, open_coil, sense, pulses):
        """Load switch and pulse output of a meter or a combined box."""
        self.relay = Relay(close_coil, open_coil)
        bench_line.handlers["relay_stuck"] = self.relay.on_stuck
        for pin in (close_coil, open_coil):
            self.drives[pin] = self.relay.drive
        self.reads[sense] = self._read_sense
        self.pulses[pulses] = PulseOutput()
        bench_line.handlers["pulses"] = self.pulses[pulses].on_pulses

    def _read_column(self, pin):
        # Asked thousands of times a second: leave the heap alone while no key is down.
        return self.keys.column_level(pin, self.levels) if self.keys.down else 1

    def _read_sense(self, pin):
        return 1 if self.relay.closed else 0


def _ignore(message):
    """Belongs to another name of the same message."""


# Which pin is what, written again from the boards' drawings so that a slip in a board file shows.
_LAMPS = {18: "green", 19: "amber", 23: "red", 4: "link"}


def connect(board):
    """Solder the parts of a board.

    Args:
        board: "meter", "keypad" or "combined".
    """
    parts = Parts()
    if board in ("keypad", "combined"):
        parts.add_customer_side((32, 33, 25, 26), (36, 39, 27), _LAMPS, 13)
    if board in ("meter", "combined"):
        parts.add_metering_side(16, 17, 35, 34)
    return parts
