"""The world around a simulated meter: its keys, load, power and wires, seen from the host."""

from tools.simulate.meter import SimulatedMeter, WaitTimeout

__all__ = ["SimulatedMeter", "WaitTimeout"]
