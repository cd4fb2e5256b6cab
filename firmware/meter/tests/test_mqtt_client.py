"""The MQTT client's behaviour, on CPython and inside each MicroPython."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.meter.tests import check_mqtt_client


@pytest.mark.parametrize(
    "name", [name for name in dir(check_mqtt_client) if name.startswith("test_")]
)
def test_mqtt_client(name: str) -> None:
    getattr(check_mqtt_client, name)()


def test_mqtt_client_on_micropython(run_on_micropython: Any) -> None:
    assert "0 failed" in run_on_micropython("firmware.meter.tests.check_mqtt_client")
