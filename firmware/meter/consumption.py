"""Energy over time: power, over-power, readings' intervals and how long credit will last."""

from firmware.meter import load_switch
from shared.wire.codes import OPEN_OVER_POWER

_SHORTEST_WINDOW_S = 10
_LONGEST_WINDOW_S = 60
_ENOUGH_WH = 10
_TOLERATED_S = 30
_PAUSE_S = 60
_DAY_S = 86400
_SHORTEST_HISTORY_S = 3600


class Consumption:
    """Follows the calendar of the load (lapsed in simulation).

    Attributes:
        power_w: mean power of the last whole window of 10 to 60 s.
    """

    def __init__(self):
        self.power_w = 0
        self._now = None
        self._first = None
        self._used_wh = 0
        self._window_start = None
        self._window_wh = 0
        self._too_high_s = 0
        self._off_since = None
        self._interval = None

    def count(self, used_wh):
        """Count Wh used."""
        self._window_wh += used_wh
        self._used_wh += used_wh

    def clock_set(self):
        """Begin anew: the calendar jumped."""
        self._now = self._first = self._window_start = self._interval = None
        self._used_wh = self._window_wh = 0

    def advance(self, state, now):
        """Let time pass.

        Args:
            state: MeterState; the over-power reason may come or go.
            now: whole seconds.

        Returns:
            End of the reading interval that has just passed, else None.
        """
        if now == self._now:
            return None
        if self._now is None or now < self._now:
            self.clock_set()
            self._first = self._window_start = now
        self._now = now
        self._update_power(state, now)
        length = state.reading_interval_s
        interval = now // length
        passed = self._interval is not None and interval != self._interval
        end = interval * length if passed else None  # before it is noted: memory may run out
        self._interval = interval
        return end

    def days_left(self, credit_wh):
        """Return whole days that credit will last at the mean use since power-up, or None."""
        if self._now is None or not self._used_wh:
            return None
        seconds = self._now - self._first
        if seconds < _SHORTEST_HISTORY_S:
            return None
        return max(credit_wh, 0) * seconds // (self._used_wh * _DAY_S)

    def _update_power(self, state, now):
        if self._off_since is None and state.open_reasons & OPEN_OVER_POWER:
            self._off_since = now  # power was cut during the pause: it begins anew
        if self._off_since is not None and now - self._off_since >= _PAUSE_S:
            self._off_since = None
            load_switch.remove_reason(state, OPEN_OVER_POWER)
        seconds = now - self._window_start
        enough = self._window_wh >= _ENOUGH_WH and seconds >= _SHORTEST_WINDOW_S
        if not enough and seconds < _LONGEST_WINDOW_S:
            return
        self.power_w = self._window_wh * 3600 // seconds
        self._window_start, self._window_wh = now, 0
        if not state.power_limit_w or self.power_w <= state.power_limit_w:
            self._too_high_s = 0
            return
        self._too_high_s += seconds
        if self._too_high_s >= _TOLERATED_S:
            self._too_high_s = 0
            self._off_since = now
            load_switch.add_reason(state, OPEN_OVER_POWER)
