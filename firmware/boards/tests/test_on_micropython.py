"""The simulated board's own parts, inside each MicroPython."""

import pytest


@pytest.mark.parametrize("module", ["device_flash", "device_clock"])
def test_on_the_simulated_board(run_on_board, module):
    run_on_board(f"firmware.boards.tests.{module}")
