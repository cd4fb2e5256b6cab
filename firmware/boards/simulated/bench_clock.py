"""The simulated board's clock: UTC is real, the calendar runs as fast as the bench says."""

import bench_line

from firmware.boards.clock import Clock


class BenchClock(Clock):
    """A Clock whose calendar can be lapsed; it calls itself simulated while it differs."""

    def __init__(self, rtc):
        """Hand over the machine.RTC."""
        super().__init__(rtc)
        self._scale = 1
        self._anchor_utc = 0
        self._anchor_calendar = 0
        bench_line.handlers["clock"] = self._on_clock

    def calendar(self):
        """Return the lapsed time in seconds since 1970, or None before the clock is set."""
        now = self.utc()
        if now is None or self.quality != "simulated":
            return now
        return self._anchor_calendar + (now - self._anchor_utc) * self._scale

    def set(self, utc):
        """Set UTC; a lapsed calendar goes on from where it is."""
        self._set(utc, self._lapsed_calendar())

    def _lapsed_calendar(self):
        return self.calendar() if self.quality == "simulated" else None

    def _set(self, utc, calendar):
        super().set(utc)
        if self._scale != 1 or (calendar is not None and abs(calendar - utc) > 1):
            self._lapse(calendar)

    def _on_clock(self, message):
        setting = message["clock"]
        calendar = setting.get("calendar", self._lapsed_calendar())
        self._scale = setting.get("scale", self._scale)
        if "utc" in setting:
            self._set(setting["utc"], calendar)
        elif self.quality != "unset" and (calendar is not None or self._scale != 1):
            self._lapse(calendar)

    def _lapse(self, calendar):
        self._anchor_utc = self._read()
        self._anchor_calendar = self._anchor_utc if calendar is None else calendar
        self.quality = "simulated"
