"""A piezo buzzer that plays short beep patterns, one step at a time, without blocking."""


class Buzzer:
    """Plays patterns: tuples of (hertz, milliseconds), 0 Hz is a pause."""

    def __init__(self, pwm, ticks_ms, ticks_diff):
        """Hand over the pin's machine.PWM, silent, and the clock functions of `time`."""
        self._pwm = pwm
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._pattern = ()
        self._step = 0
        self._since = 0

    def play(self, pattern):
        """Begin a pattern; one that still plays ends here."""
        self._pattern = pattern
        self._step = 0
        self._since = self._ticks_ms()
        self._sound()

    def update(self):
        """Go on to the next step when its time has come; call every few milliseconds."""
        if self._step >= len(self._pattern):
            return
        now = self._ticks_ms()
        if self._ticks_diff(now, self._since) >= self._pattern[self._step][1]:
            self._step += 1
            self._since = now
            self._sound()

    def _sound(self):
        hertz = self._pattern[self._step][0] if self._step < len(self._pattern) else 0
        if hertz:
            self._pwm.freq(hertz)
            self._pwm.duty_u16(32768)
        else:
            self._pwm.duty_u16(0)
