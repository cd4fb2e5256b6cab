"""Load switch, pulses, flash, network and clock: what an ESP32 meter and a combined box share."""

import time

import network
from esp32 import Partition
from machine import Counter, Pin

from firmware.boards import ports
from firmware.drivers.latching_relay import LatchingRelay
from firmware.drivers.pulse_counter import PulseCounter
from firmware.drivers.wifi import WiFi


class MeterBoard:
    """What the meter's program sees of its hardware.

    Attributes:
        pulses: `total()` counts the energy pulses since power-on.
        relay: the load switch, `set(closed)` and `is_closed()`.
        state_partition, profile_partition: block devices.
        clock: see firmware.boards.clock.
        keypad_stream: the line to the keypad, `any()`, `readinto(buffer)`, `write(octets)`.
        network: `start(name, password)`, `is_up()`, `retry()`.
        watchdog: `feed()`.
        random: `random(count)` returns that many random bytes.
        log: `log(level, text)`.
        restart: `restart()` restarts the board.
    """

    def __init__(self, pins, keypad_stream):
        """Set up the hardware.

        Args:
            pins: numbers of the pins "pulses", "close_coil", "open_coil" and "sense".
            keypad_stream: the meter's end of the line to the keypad.
        """
        pulse_input = Pin(pins["pulses"], Pin.IN)
        self.pulses = PulseCounter(Counter(0, src=pulse_input, filter_ns=12700))
        self.relay = LatchingRelay(
            Pin(pins["close_coil"], Pin.OUT, value=0),
            Pin(pins["open_coil"], Pin.OUT, value=0),
            Pin(pins["sense"], Pin.IN),
            time.ticks_ms,
            time.ticks_diff,
            time.sleep_ms,
        )
        self.state_partition = _partition("state")
        self.profile_partition = _partition("profile")
        self.keypad_stream = keypad_stream
        self.clock = ports.make_clock()
        self.network = WiFi(network.WLAN(network.STA_IF), time.ticks_ms, time.ticks_diff)
        self.watchdog = ports.Watchdog()
        self.random = ports.random_bytes
        self.log = ports.log
        self.restart = ports.restart


class PartitionMissing(OSError):
    """The flash has no such partition: its partition table is not OpenPrepay's."""


def _partition(label):
    found = Partition.find(Partition.TYPE_DATA, label=label)
    if not found:
        raise PartitionMissing(label)
    return found[0]
