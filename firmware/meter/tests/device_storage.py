"""Flash is erased ahead of need, while the keypad owes no answer. Runs inside MicroPython."""

from firmware.meter import app
from firmware.meter.tests.kit import Bench

SECTOR = 4096
ENERGY_RECORDS_A_SECTOR = 128  # of 32 bytes


class _Keypad:
    is_asking = False


def _no_log(level, text):
    raise AssertionError(text)


def _aged():
    """A meter whose journal has come round: none of its sectors is blank any more."""
    bench = Bench(credit_wh=100_000)
    bench.use(10)
    image = memoryview(bench.flash.image)
    for start in range(0, len(image), SECTOR):
        if bytes(image[start : start + SECTOR]) == b"\xff" * SECTOR:
            image[start : start + SECTOR] = bytes(SECTOR)
    bench.boot()
    return bench


def _erased(bench, act):
    """Return how many bytes an act programs or erases."""
    before = bench.power.touched
    act()
    return bench.power.touched - before


def _prepare_all(bench):
    return [app.prepare_storage(bench.meter, _Keypad, _no_log) for _ in range(10)]


def test_nothing_is_erased_while_an_answer_is_due():
    bench, keypad = _aged(), _Keypad()
    keypad.is_asking = True
    assert _erased(bench, lambda: app.prepare_storage(bench.meter, keypad, _no_log)) == 0
    keypad.is_asking = False
    assert _erased(bench, lambda: app.prepare_storage(bench.meter, keypad, _no_log)) == SECTOR


def test_what_is_written_afterwards_is_only_programmed():
    bench = _aged()
    _prepare_all(bench)
    for _ in range(3 * ENERGY_RECORDS_A_SECTOR):
        assert _erased(bench, lambda: bench.use(10)) < SECTOR
        _prepare_all(bench)


def test_flash_that_can_not_be_erased_is_told_of_and_left_alone_for_a_while():
    bench = _aged()
    bench.flash.dead = bench.profile.dead = True
    told = []
    pause_s = app.prepare_storage(bench.meter, _Keypad, lambda level, text: told.append(text))
    assert pause_s == 60
    assert told == ["storage: StorageFault('flash cannot be erased',)"]
