"""The simulated board's clock: UTC is real, the calendar runs as fast as the bench says."""

import bench_line

from firmware.boards.clock import Clock


class BenchClock:
    """A device's Clock, whose calendar can be lapsed; it calls itself simulated while it is.

    Private names may differ between a device's files and ours, so this holds a Clock and does
    not inherit from it.
    """

    def __init__(self, rtc):
        """Hand over the machine.RTC."""
        self._clock = Clock(rtc)
        self.ticks_ms = self._clock.ticks_ms
        self.ticks_diff = self._clock.ticks_diff
        self.utc = self._clock.utc
        self.restore = self._clock.restore
        self._lapsed = False
        self._scale = 1
        self._anchor_utc = 0
        self._anchor_calendar = 0
        bench_line.handlers["clock"] = self._on_clock

    @property
    def quality(self):
        """As of Clock, or "simulated"."""
        return "simulated" if self._lapsed else self._clock.quality

    def calendar(self):
        """Return the lapsed time in seconds since 1970, or None before the clock is set."""
        now = self.utc()
        if not self._lapsed:
            return now
        return self._anchor_calendar + (now - self._anchor_utc) * self._scale

    def set(self, utc):
        """Set UTC; a lapsed calendar goes on from where it is."""
        self._set(utc, self.calendar() if self._lapsed else None)

    def _set(self, utc, calendar):
        self._clock.set(utc)
        if self._scale != 1 or (calendar is not None and abs(calendar - utc) > 1):
            self._lapse(calendar)

    def _on_clock(self, message):
        setting = message["clock"]
        calendar = setting.get("calendar", self.calendar() if self._lapsed else None)
        self._scale = setting.get("scale", self._scale)
        if "utc" in setting:
            self._set(setting["utc"], calendar)
        elif self.utc() is not None and (calendar is not None or self._scale != 1):
            self._lapse(calendar)

    def _lapse(self, calendar):
        self._anchor_utc = self.utc()
        self._anchor_calendar = self._anchor_utc if calendar is None else calendar
        self._lapsed = True
