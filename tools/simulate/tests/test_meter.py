"""A meter on the bench, with the real firmware: it starts, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.provision import service
from tools.simulate import SimulatedMeter, WaitTimeout


def test_a_blank_meter_says_that_it_has_a_fault(tmp_path: Path) -> None:
    service.write_settings(tmp_path, {"impulses_per_kwh": 1000, "mqtt": None})
    with SimulatedMeter(tmp_path) as meter:
        meter.wait_for_text("fault")
        assert meter.relay == "open"


def test_firmware_that_cannot_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    meter = SimulatedMeter(tmp_path, firmware_kib=16)
    with pytest.raises(WaitTimeout, match="MemoryError"):
        meter.power_on()
    assert not meter.powered
    meter.close()


def test_what_does_not_come_is_reported_with_what_shows_instead(tmp_path: Path) -> None:
    meter = SimulatedMeter(tmp_path)
    with pytest.raises(WaitTimeout, match=r"'Accepted' did not show.*power off.*relay open"):
        meter.wait_for_text("Accepted", timeout=0.01)
    meter.close()


@pytest.mark.parametrize("key", ["", "12", "x", "٣"])
def test_a_key_that_is_not_there_cannot_be_pressed(tmp_path: Path, key: str) -> None:
    meter = SimulatedMeter(tmp_path)
    with pytest.raises(ValueError, match="no such key"):
        meter.key(key, down=True)
    meter.close()
