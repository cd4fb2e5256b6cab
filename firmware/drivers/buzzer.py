"""A piezo buzzer that plays short beep patterns, one step at a time, without blocking.

A pattern is bytes, two for each step: the tone in 20 Hz (0 is a pause) and its length in 10 ms.
"""

from micropython import const

_HERTZ = const(20)
_MS = const(10)
_HALF = const(32768)


class Buzzer:
    """Plays patterns."""

    def __init__(self, pwm, ticks_ms, ticks_diff):
        """Hand over the pin's machine.PWM, silent, and the clock functions of `time`."""
        self._pwm = pwm
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._pattern = b""
        self._step = 0
        self._since = 0

    def play(self, pattern):
        """Begin a pattern (bytes); one that still plays ends here."""
        self._pattern = pattern
        self._step = 0
        self._since = self._ticks_ms()
        self._sound()

    def update(self):
        """Go on to the next step when its time has come; call every few milliseconds."""
        if self._step >= len(self._pattern):
            return
        now = self._ticks_ms()
        if self._ticks_diff(now, self._since) >= self._pattern[self._step + 1] * _MS:
            self._step += 2
            self._since = now
            self._sound()

    def _sound(self):
        tone = self._pattern[self._step] if self._step < len(self._pattern) else 0
        if tone:
            self._pwm.freq(tone * _HERTZ)
        self._pwm.duty_u16(_HALF if tone else 0)
