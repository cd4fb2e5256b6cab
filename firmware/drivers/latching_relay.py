"""A latching load switch with two coils and a sense contact.

The contact keeps its state without power, so nothing is pulsed at boot: the sense input says how
it stands. A coil takes one pulse, never both coils, with a pause between them (break before make)
and between operations: coil and storage capacitor must recover.
"""

from micropython import const

_PULSE_MS = const(60)  # 80..100 A meter relays want 30..100 ms at 9..12 V
_BREAK_MS = const(10)
_RECOVERY_MS = const(2000)


class LatchingRelay:
    """Moves the contact and says how it stands."""

    def __init__(self, close_coil, open_coil, sense, ticks_ms, ticks_diff, sleep_ms):
        """Hand over pins and time.

        Args:
            close_coil, open_coil: output pins, high energises.
            sense: input pin, high while the contact is closed.
            ticks_ms, ticks_diff, sleep_ms: as in the `time` module.
        """
        self._close_coil = close_coil
        self._open_coil = open_coil
        self._sense = sense
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._sleep_ms = sleep_ms
        self._moved_at = None
        close_coil.init(close_coil.OUT, value=0)
        open_coil.init(open_coil.OUT, value=0)

    def is_closed(self):
        """Return whether the sense contact says closed."""
        return bool(self._sense.value())

    def set(self, closed):
        """Bring the contact to a state; blocks for the pulse (70 ms) if it must move.

        Args:
            closed: the state wanted.

        Returns:
            True if the contact now stands so; False if it is still recovering from the last
            operation or did not move: ask again later.
        """
        if self.is_closed() == closed:
            return True
        now = self._ticks_ms()
        if self._moved_at is not None and self._ticks_diff(now, self._moved_at) < _RECOVERY_MS:
            return False
        self._pulse(self._close_coil if closed else self._open_coil)
        self._moved_at = self._ticks_ms()
        return self.is_closed() == closed

    def _pulse(self, coil):
        self._close_coil.value(0)
        self._open_coil.value(0)
        self._sleep_ms(_BREAK_MS)
        try:
            coil.value(1)
            self._sleep_ms(_PULSE_MS)
        finally:
            coil.value(0)
