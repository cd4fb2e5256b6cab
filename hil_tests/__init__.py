"""Tests of the whole device from outside: keys, energy, power, wires; display and load switch."""
