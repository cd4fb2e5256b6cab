"""A simulated meter as a technician has it on the bench: keys, load, plug and cables.

The firmware is the very one of a device, run by a real MicroPython; only the chips are simulated.
"""

from __future__ import annotations

import json
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

from tools.simulate.bench import Message
from tools.simulate.front import Front, WaitTimeout
from tools.simulate.physics import Supply
from tools.simulate.program import Program
from tools.simulate.wires import NetworkCable, SerialCable

BOARDS = ("combined", "split")
KEYS = "0123456789*#"
PHYSICS_PERIOD_S = 0.05
KEY_HOLD_S = 1.0  # at most; a person lets go at the keypad's click
LONGEST_PAUSE_S = 0.3  # between two beeps of one pattern
KEY_GAP_S = 0.06  # longer than the keypad's debouncing


class SimulatedMeter(Front):
    """One meter with its keypad, mains, load and cables.

    Args:
        folder: holds the meter's flash (state.bin, profile.bin) and config.json.
        board: "combined", or "split" for a separate keypad unit on a cable.
        interpreter: "micropython" or "micropython32".
        firmware_kib: heap that each program's firmware may use, in KiB; None leaves the
            interpreter's default.
        time_lapse: how much faster than real time load and calendar run, 1..3600.
        clock: give the board the time when it starts; False leaves its clock unset.
    """

    def __init__(
        self,
        folder: Path,
        board: str = "combined",
        interpreter: str = "micropython",
        firmware_kib: int | None = None,
        *,
        time_lapse: int = 1,
        clock: bool = True,
    ) -> None:
        if board not in BOARDS:
            raise ValueError(f"no board is called {board}; choose one of {', '.join(BOARDS)}")
        self.folder = Path(folder)
        self.board = board
        super().__init__(self.folder.name, self._latched_relay())
        self.impulses_sent = 0  # energy that flowed, in impulses of the measuring chip
        self.load_watts = 0
        self._time_lapse = time_lapse
        self._clock = clock
        self._calendar = time.time()  # what the house's calendar showed ...
        self._calendar_at = time.time()  # ... at this moment
        self._typing = threading.Lock()
        self._closed = threading.Event()
        self._supply = Supply(self._setting("impulses_per_kwh", 1000))
        self.network = self._network_cable()
        self.keypad_cable = SerialCable() if board == "split" else None
        self._programs = self._make_programs(interpreter, firmware_kib)
        self._physics = threading.Thread(target=self._run_physics, name="physics", daemon=True)
        self._physics.start()

    # Power

    def power_on(self, timeout: float = 20) -> None:
        """Restore the mains and wait until the meter shows something.

        Raises:
            WaitTimeout: the firmware did not come up.
        """
        with self._changed:
            if self.powered:
                return
            self.failure = ""
            self.cut_armed = False
            self.powered = True
            self.screens.clear()
        for program in self._programs:
            program.start()
        self._notify()
        self.wait_for(lambda meter: any(meter.rows) or meter.failure, timeout)
        if self.failure:
            raise WaitTimeout(f"meter {self.name} did not start: {self.failure}")

    def power_off(self) -> None:
        """Pull the plug: everything stops in the middle of whatever it did."""
        with self._changed:
            if not self.powered:
                return
            self._go_dark()
        for program in self._programs:
            program.kill()
        self._notify()

    def cut_power_after(self, flash_bytes: int) -> None:
        """Arm a power cut after so many more bytes written to, or erased from, the flash.

        Args:
            flash_bytes: >= 0; 0 cuts at the very next byte.
        """
        self.cut_armed = True
        self._meter.bench.send({"cut_after": flash_bytes})
        self._notify()

    def close(self) -> None:
        """Switch off and take everything apart."""
        self._closed.set()
        self.power_off()
        self._physics.join()
        for program in self._programs:
            program.close()
        if self.keypad_cable is not None:
            self.keypad_cable.close()
        if self.network is not None:
            self.network.close()

    def __enter__(self) -> SimulatedMeter:
        self.power_on()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # What a person does

    def key(self, key: str, down: bool) -> None:
        """Press or release one key of the keypad."""
        if key not in KEYS or len(key) != 1:
            raise ValueError(f"no such key: {key!r}")
        self._keypad.bench.send({"key": key, "down": down})

    def type(self, keys: str) -> None:
        """Press keys one after the other, each until the keypad clicks, as a person does."""
        with self._typing:
            for key in keys:
                heard = self.sounds
                self.key(key, True)
                self._await_sound(after=heard)
                self.key(key, False)
                self._await_silence()
                self._closed.wait(KEY_GAP_S)

    def _await_sound(self, *, after: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.sounds > after or not self.powered, KEY_HOLD_S)

    def _await_silence(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self.buzzer_hz, KEY_HOLD_S)

    def enter_token(self, digits: str) -> None:
        """Type a token's 20 digits and confirm; forgets what the display showed before."""
        self._await_end_of_beeps()
        self.forget_screens()
        self.type(digits + "#")

    def _await_end_of_beeps(self) -> None:
        """Wait until a beep pattern has ended: one of its beeps is no click of a key."""
        heard = -1
        with self._changed:
            while heard != self.sounds:
                heard = self.sounds
                self._changed.wait_for(partial(self._has_sounded, heard), LONGEST_PAUSE_S)

    def _has_sounded(self, heard: int) -> bool:
        return self.sounds > heard

    @property
    def time_lapse(self) -> int:
        """How much faster than real time load and calendar run."""
        return self._time_lapse

    @time_lapse.setter
    def time_lapse(self, factor: int) -> None:
        with self._changed:
            self._calendar, self._calendar_at = self.calendar, time.time()
            self._time_lapse = max(1, min(3600, int(factor)))
        self._tell_time()
        self._notify()

    @property
    def calendar(self) -> float:
        """Time-lapsed time of day, in seconds since 1970."""
        return self._calendar + (time.time() - self._calendar_at) * self._time_lapse

    @calendar.setter
    def calendar(self, utc: float) -> None:
        with self._changed:
            self._calendar, self._calendar_at = utc, time.time()
        self._tell_time()

    def set_load(self, watts: int) -> None:
        """Switch appliances on: what the house draws while the load switch is closed."""
        with self._changed:
            self.load_watts = max(0, int(watts))
        self._notify()

    def plug_network(self, plugged: bool) -> None:
        """Plug the network cable in, or pull it out; a meter without a network has none."""
        if self.network is not None:
            self.network.plugged = plugged
        self._notify()

    def plug_keypad(self, plugged: bool) -> None:
        """Plug a separate keypad's data cable in, or pull it out; the keypad keeps its power."""
        if self.keypad_cable is not None:
            self.keypad_cable.plug(plugged)
        self._notify()

    def peak_heap(self, timeout: float = 10) -> Message:
        """Ask the firmware for the most memory it has held, as it reports it."""
        with self._changed:
            self.heap_report = {}
        self._meter.bench.send({"heap": 1})
        return self.wait_for(lambda meter: meter.heap_report, timeout)

    # Inside

    @property
    def _meter(self) -> Program:
        return self._programs[0]

    @property
    def _keypad(self) -> Program:
        return self._programs[-1]

    def _make_programs(self, interpreter: str, firmware_kib: int | None) -> list[Program]:
        def program(part: str, folder: Path, uart: str | None = None) -> Program:
            return Program(
                part, folder, interpreter, firmware_kib, uart=uart, observe=self._observe
            )

        if self.keypad_cable is None:
            return [program("combined", self.folder)]
        own = self.folder / "keypad"
        own.mkdir(parents=True, exist_ok=True)
        meter_end, keypad_end = self.keypad_cable.ends
        return [program("meter", self.folder, meter_end), program("keypad", own, keypad_end)]

    def _latched_relay(self) -> str:
        """The load switch keeps its position without power; the board keeps that in a file."""
        kept = self.folder / "relay.txt"
        return kept.read_text() if kept.exists() else "open"

    def _setting(self, name: str, default: Any) -> Any:
        path = self.folder / "config.json"
        return json.loads(path.read_text()).get(name, default) if path.exists() else default

    def _network_cable(self) -> NetworkCable | None:
        """Put a cable between the meter and the broker its settings name, or a cable before."""
        mqtt = self._setting("mqtt", None)
        if mqtt is None:
            return None
        path = self.folder / "config.json"
        settings = json.loads(path.read_text())
        broker = settings.setdefault("broker", {"host": mqtt["host"], "port": mqtt["port"]})
        cable = NetworkCable(broker["host"], broker["port"])
        settings["mqtt"] |= {"host": "127.0.0.1", "port": cable.port}
        path.write_text(json.dumps(settings))
        return cable

    def _observe(self, program: Program, message: Message) -> None:
        with self._changed:
            for kind, value in message.items():
                handler = getattr(self, f"_on_{kind}", None)
                if handler is not None:
                    handler(program, value)
        self._notify()

    def _on_hello(self, program: Program, _: Any) -> None:
        self._tell_time()

    def _on_reset(self, program: Program, _: Any) -> None:
        program.resetting = True

    def _on_ended(self, program: Program, words: str) -> None:
        """A program ended by itself: it cut its own power, reset its chip, or failed."""
        if not self.powered:
            return
        if program.resetting:
            program.start()
            return
        if program is not self._meter:
            self.failure = f"the keypad stopped: {words}"
            return
        if not self.cut_armed:
            self.failure = f"the firmware stopped: {words}"
        self._go_dark()
        for other in self._programs:
            other.kill()

    def _tell_time(self) -> None:
        if self._clock:
            setting = {"utc": int(time.time()), "scale": self._time_lapse}
            if abs(self.calendar - time.time()) > 1 or self._time_lapse != 1:
                setting["calendar"] = int(self.calendar)
            self._meter.bench.send({"clock": setting})

    def _run_physics(self) -> None:
        before = time.monotonic_ns()
        while not self._closed.wait(PHYSICS_PERIOD_S):
            now = time.monotonic_ns()
            watts = self.load_watts if self.lit else 0
            impulses = self._supply.advance(now - before, watts=watts, time_lapse=self._time_lapse)
            before = now
            if impulses:
                self.impulses_sent += impulses
                self._meter.bench.send({"pulses": impulses})
                self._notify()
