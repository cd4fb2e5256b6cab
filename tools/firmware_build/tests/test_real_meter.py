"""The real firmware on simulated boards, with no more memory than a device has."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware.meter.provisioning import provision
from shared.sts import cipher, generation, identifiers, token_identifier
from tools import interpreters
from tools.firmware_build import heap
from tools.provision.flash import PARTITIONS, FileFlash
from tools.simulate.meter import SimulatedMeter, WaitTimeout
from tools.testing import parts

DRN = "04100000019"
DECODER_KEY = bytes(range(8))
DEVICE_KILOBYTES = 110


@contextmanager
def _meter(folder: Path, board: str, interpreter: str, kilobytes: int) -> Iterator[SimulatedMeter]:
    """A provisioned meter without a network, switched on."""
    try:
        interpreters.command(interpreter)
    except interpreters.InterpreterMissing as error:
        parts.missing(str(error))
    flash = {name: FileFlash(folder / f"{name}.bin", size) for name, size in PARTITIONS.items()}
    identity = {
        "drn": DRN,
        "pan": identifiers.make_pan(DRN),
        "sgc": "201457",
        "krn": 1,
        "kt": 2,
        "ti": 1,
        "ken": 255,
        "ea": 7,
        "base_date": 2014,
        "decoder_key": DECODER_KEY,
        "link_root": bytes(32),
        "link_generation": 1,
    }
    provision(flash["state"], flash["profile"], identity, int(time.time()) - 86400)
    for partition in flash.values():
        partition.save()
    (folder / "config.json").write_text(json.dumps({"mqtt": None, "impulses_per_kwh": 1000}))
    meter = SimulatedMeter(folder, board, interpreter, kilobytes)
    try:
        meter.power_on()
        yield meter
    finally:
        meter.close()


def _token(*, units: int, minutes_ago: int) -> str:
    identifier = token_identifier.from_utc(int(time.time()) - 60 * minutes_ago, 2014)
    key = cipher.make_cipher(7, DECODER_KEY)
    return generation.credit(key, units=units, tid=identifier, rnd=5)


def test_a_combined_box_lives_in_the_heap_of_a_device(tmp_path: Path) -> None:
    interpreter = "micropython32"
    with _meter(tmp_path, "combined", interpreter, DEVICE_KILOBYTES) as meter:
        first = _token(units=5, minutes_ago=90)
        meter.enter_token(first)
        meter.wait_for_text("Accepted")
        meter.wait_for(lambda meter: meter.relay == "closed")
        meter.enter_token(first)
        meter.wait_for_text("Already used")
        meter.set_load(9000)
        meter.time_lapse = 600
        meter.wait_for(lambda meter: meter.relay == "open", 20)
        meter.set_load(0)
        meter.enter_token(_token(units=50, minutes_ago=60))
        meter.wait_for(lambda meter: meter.relay == "closed")
        used = meter.peak_heap()["peak"] - heap.of_overlay("combined", interpreter)
        assert used < DEVICE_KILOBYTES * 1024


def _digits_entered(meter: SimulatedMeter) -> int:
    """Return the length of the entry on the display; at rest it shows words too."""
    entry = "".join(meter.rows).replace(" ", "")
    return len(entry) if entry.isdigit() else 0


def _press_until_shown(meter: SimulatedMeter, key: str, place: int) -> None:
    """Press a key as a person does: again, if its digit does not show."""
    while _digits_entered(meter) < place:
        meter.type(key)
        with contextlib.suppress(WaitTimeout):
            meter.wait_for(lambda meter: _digits_entered(meter) >= place, 3)
    assert _digits_entered(meter) == place, "a key counted twice"


@pytest.mark.parametrize("interpreter", interpreters.INTERPRETERS)
def test_a_token_typed_while_the_keypad_s_line_is_shaken_counts_once(
    tmp_path: Path, interpreter: str
) -> None:
    stop = threading.Event()
    with _meter(tmp_path, "split", interpreter, 2 * DEVICE_KILOBYTES) as meter:

        def shake() -> None:
            for number in range(1, 10000):
                meter.plug_keypad(number % 2 == 0)
                if stop.wait(0.02 + number % 5 * 0.02):
                    break
            meter.plug_keypad(True)

        shaking = threading.Thread(target=shake)
        shaking.start()
        token = _token(units=123, minutes_ago=60)
        for place, key in enumerate(token, 1):
            _press_until_shown(meter, key, place)
        stop.set()
        shaking.join()
        meter.type("#")
        meter.wait_for_text("Accepted", 20)
        meter.wait_for(lambda meter: meter.relay == "closed")
        meter.enter_token(token)
        meter.wait_for_text("Already used")
        meter.wait_for_text("Credit 12.30 kWh")
