"""Beep patterns by the number that a SHOW carries: steps of (hertz, ms), 0 Hz is a pause."""

SILENCE = 0
ACCEPTED = 1
REFUSED = 2
LOCKED = 3
WARNING = 4
SWITCHED_OFF = 5

CLICK = ((2400, 15),)

PATTERNS = {
    ACCEPTED: ((1800, 90), (0, 40), (2400, 180)),
    REFUSED: ((500, 350),),
    LOCKED: ((500, 120), (0, 80), (500, 120), (0, 80), (500, 120)),
    WARNING: ((2000, 80), (0, 120), (2000, 80)),
    SWITCHED_OFF: ((1200, 200), (0, 60), (900, 200), (0, 60), (600, 300)),
}
