"""The drivers against simulated parts, inside each MicroPython."""

import pytest


@pytest.mark.parametrize(
    "module", ["device_keys", "device_display", "device_relay", "device_sounds"]
)
def test_on_the_simulated_board(run_on_board, module):
    run_on_board(f"firmware.drivers.tests.{module}")
