"""What the mains and the house do: energy flows only while the load switch is closed."""

from __future__ import annotations

_NANOSECONDS_PER_HOUR = 3600 * 10**9


class Supply:
    """Turns watts and passing time into the impulses of a meter's measuring chip.

    Args:
        impulses_per_kwh: the meter constant, > 0.
    """

    def __init__(self, impulses_per_kwh: int = 1000) -> None:
        self._quantum = 1000 * _NANOSECONDS_PER_HOUR // impulses_per_kwh  # watt nanoseconds
        self._remainder = 0

    def advance(self, elapsed_ns: int, *, watts: int, time_lapse: int) -> int:
        """Return how many impulses a constant load gives in a stretch of real time.

        Args:
            elapsed_ns: real nanoseconds that passed, >= 0.
            watts: the load, >= 0; 0 when the load switch is open.
            time_lapse: how much faster than real time the load runs, >= 1.
        """
        self._remainder += elapsed_ns * watts * time_lapse
        impulses, self._remainder = divmod(self._remainder, self._quantum)
        return impulses
