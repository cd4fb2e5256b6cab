"""Key matrix and debouncer on the simulated board's matrix. Runs inside MicroPython."""

import bench_line
from machine import Pin

from firmware.boards import esp32_keypad
from firmware.drivers.key_matrix import KEYS, Debouncer, KeyMatrix


def _matrix():
    return KeyMatrix(
        [Pin(number, Pin.IN) for number in esp32_keypad.PINS["rows"]],
        [Pin(number, Pin.IN) for number in esp32_keypad.PINS["columns"]],
    )


def _hold(keys, down=True):
    for key in keys:
        bench_line.handle({"key": key, "down": down})


def _scan(matrix, debouncer, times=5):
    """Scan several times; return the keys that counted."""
    counted = ""
    for _ in range(times):
        counted += debouncer.feed(matrix.scan()) or ""
    return counted


def test_each_key_is_read_once_while_held():
    matrix, debouncer = _matrix(), Debouncer()
    for key in KEYS:
        _hold(key)
        assert _scan(matrix, debouncer, 50) == key
        _hold(key, down=False)
        assert _scan(matrix, debouncer) == ""


def test_a_bounce_is_no_key_and_does_not_repeat_one():
    matrix, debouncer = _matrix(), Debouncer()
    counted = ""
    for down in (True, False, True, True, False, True, True, True, False, True, True, True):
        _hold("5", down)
        counted += _scan(matrix, debouncer, 1)
    assert counted == "5"
    for down in (False, True, False, False, True, False, False, False):
        _hold("5", down)
        counted += _scan(matrix, debouncer, 1)
    assert counted == "5"


def test_keys_pressed_together_do_not_count_until_all_are_up():
    matrix, debouncer = _matrix(), Debouncer()
    _hold("12")
    assert _scan(matrix, debouncer) == ""
    _hold("1", down=False)
    assert _scan(matrix, debouncer) == ""
    _hold("2", down=False)
    assert _scan(matrix, debouncer) == ""
    _hold("2")
    assert _scan(matrix, debouncer) == "2"
    _hold("2", down=False)


def test_a_fast_typist_may_press_the_next_key_before_the_last_is_up():
    matrix, debouncer = _matrix(), Debouncer()
    _hold("1")
    assert _scan(matrix, debouncer) == "1"
    _hold("9")
    assert _scan(matrix, debouncer) == ""
    _hold("1", down=False)
    assert _scan(matrix, debouncer) == "9"
    _hold("9", down=False)


def test_three_corners_of_a_rectangle_make_a_ghost_and_no_key():
    matrix, debouncer = _matrix(), Debouncer()
    _hold("134")  # 6 seems pressed too
    assert matrix.scan() == 1 << 0 | 1 << 2 | 1 << 3 | 1 << 5
    assert _scan(matrix, debouncer) == ""
    _hold("134", down=False)
    assert _scan(matrix, debouncer) == ""
