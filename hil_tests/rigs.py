"""Test rigs: a device under test with what surrounds it, chosen by --rig."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hil_tests.utility import Utility
from tools.provision import service
from tools.simulate import SimulatedMeter

RIGS = ("simulated",)
NO_BOARD_RIG = (
    "there is no rig for a real board yet: nothing here has run on an ESP32, and what drives its "
    "keys, pulses and power does not exist. The rigs are: " + ", ".join(RIGS)
)


class Rig:
    """A meter on the bench, its utility, and their connection.

    Attributes:
        meter: keys, load, plug and cables; display, lamps and load switch.
        utility: makes tokens for it and sends commands to it.
    """

    def __init__(
        self,
        folder: Path,
        broker_port: int,
        *,
        board: str = "combined",
        credit_wh: int = 0,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.utility = Utility(broker_port)
        home = folder / self.utility.drn
        service.write_flash(
            home,
            self.utility.identity,
            provisioned_at=self.utility.provisioned_at,
            settings={"credit_wh": credit_wh, **(settings or {})},
        )
        service.write_settings(home, {"impulses_per_kwh": 1000, "mqtt": None})
        service.pair_keypad(home, self.utility.drn)
        service.set_broker(home, host="127.0.0.1", port=broker_port)
        self.meter = SimulatedMeter(home, board)

    def power_on(self) -> Rig:
        """Switch the mains on and wait until meter and utility are connected."""
        self.meter.power_on()
        self.utility.wait_until_online()
        return self

    def close(self) -> None:
        """Switch off and put everything away."""
        self.meter.close()
        self.utility.close()
