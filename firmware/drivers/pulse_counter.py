"""Energy pulses counted in hardware: nothing is lost while flash is erased or garbage collected.

machine.Counter (MicroPython 1.26) sits on the ESP32's PCNT unit. Resetting that counter is not
atomic and loses pulses, so it is never reset: the last value is kept and subtracted.
"""


class PulseCounter:
    """Pulses since this object was made."""

    def __init__(self, counter):
        """Hand over a machine.Counter on the pulse input."""
        self._counter = counter
        self._last = counter.value()
        self._total = 0

    def total(self):
        """Return the pulses counted so far; never goes back.

        A hardware count below the last one (the unit was started anew) counts from zero.
        """
        value = self._counter.value()
        counted = value - self._last
        self._last = value
        self._total += counted if counted >= 0 else value
        return self._total
