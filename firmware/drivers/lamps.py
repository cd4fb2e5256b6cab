"""Signal lamps, one pin each."""


class Lamps:
    """Several lamps set together from bits."""

    def __init__(self, pins):
        """Hand over the output pins: bit n lights pins[n]."""
        self._pins = pins
        for pin in pins:
            pin.init(pin.OUT, value=0)

    def set(self, bits):
        """Light exactly these lamps."""
        for pin in self._pins:
            pin.value(bits & 1)
            bits >>= 1
