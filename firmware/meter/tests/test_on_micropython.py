"""The plain test modules of the meter again, inside each MicroPython."""

import pytest

MODULES = [
    "journal",
    "meter",
    "screens",
    "commands",
    "power_cuts",
    "queue",
    "rules",
    "short_memory",
]


@pytest.mark.parametrize("module", MODULES)
def test_on_micropython(run_on_micropython, module):
    run_on_micropython(f"firmware.meter.tests.test_{module}", heap="8M")


def test_storage_is_prepared_when_there_is_time(run_on_micropython):
    run_on_micropython("firmware.meter.tests.device_storage", heap="8M")
