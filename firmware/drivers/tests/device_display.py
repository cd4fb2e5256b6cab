"""The display driver against the simulated controller, byte by byte. Runs inside MicroPython."""

import asyncio

import bench_line
from bench_parts import Display
from machine import I2C, Pin

from firmware.drivers.hd44780 import CharacterDisplay


class _Bus:
    """An I2C bus with one display, that counts what it carries."""

    def __init__(self):
        self.part = Display()
        self.carried = 0

    def writeto(self, address, octets):
        if not self.part.present:
            raise OSError(19)
        self.carried += len(octets)
        self.part.write(octets)


def _shown(display, bus, rows, cursor=None):
    asyncio.run(display.show(rows, cursor))
    return bus.part.rows()


def test_text_appears_filled_up_with_blanks():
    bus = _Bus()
    display = CharacterDisplay(bus)
    assert _shown(display, bus, ("Credit 12.5 kWh", "1234 5678")) == [
        "Credit 12.5 kWh ",
        "1234 5678       ",
    ]
    assert _shown(display, bus, ("", "<0123456789abcd>")) == [" " * 16, "<0123456789abcd>"]
    assert _shown(display, bus, ("Größe", "")) == ["Gr??e           ", " " * 16]


def test_only_what_changed_is_sent():
    bus = _Bus()
    display = CharacterDisplay(bus)
    _shown(display, bus, ("1234 5678", "same"))
    before = bus.carried
    assert _shown(display, bus, ("1234 5679", "same")) == ["1234 5679       ", "same" + " " * 12]
    assert bus.carried - before == 8  # address and one character, four bus bytes each
    _shown(display, bus, ("1234 5679", "same"))
    assert bus.carried - before == 8


def test_the_cursor_stays_where_it_belongs_while_rows_change():
    bus = _Bus()
    display = CharacterDisplay(bus)
    _shown(display, bus, ("12", "x"), 2)
    assert bus.part.cursor() == 2
    _shown(display, bus, ("12", "other"), 2)
    assert bus.part.cursor() == 2
    _shown(display, bus, ("12", "other"), 31)
    assert bus.part.cursor() == 31
    _shown(display, bus, ("12", "other"), None)
    assert bus.part.cursor() is None


def test_a_display_that_is_unplugged_and_plugged_in_again_shows_everything():
    bus = _Bus()
    display = CharacterDisplay(bus)
    _shown(display, bus, ("one", "two"))
    bus.part.present = False
    asyncio.run(display.probe())
    assert not display.present
    _shown(display, bus, ("one", "three"))
    assert not display.present
    bus.part = Display()
    assert _shown(display, bus, ("one", "three")) == ["one             ", "three           "]
    assert display.present


def test_refreshing_heals_a_controller_that_lost_its_mode():
    bus = _Bus()
    display = CharacterDisplay(bus)
    _shown(display, bus, ("one", "two"))
    bus.part = Display()  # as a dip of the supply leaves it: 8-bit mode, nothing shown
    assert _shown(display, bus, ("one", "two")) == [" " * 16, " " * 16]
    display.forget()
    assert _shown(display, bus, ("one", "two")) == ["one             ", "two             "]


def test_the_board_s_own_bus_reaches_the_display():
    display = CharacterDisplay(I2C(0, scl=Pin(22), sda=Pin(21), freq=100000))
    asyncio.run(display.show(("hello", ""), None))
    assert display.present
    bench_line.handle({"lcd_present": False})
    asyncio.run(display.probe())
    assert not display.present
    bench_line.handle({"lcd_present": True})
    asyncio.run(display.show(("hello", ""), None))
    assert display.present
