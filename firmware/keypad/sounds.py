"""How the beep patterns of a SHOW sound: steps of (hertz, milliseconds), 0 Hz is a pause."""

from shared.wire import keypad_messages as names

CLICK = ((2400, 15),)

PATTERNS = {
    names.BEEP_ACCEPTED: ((1800, 90), (0, 40), (2400, 180)),
    names.BEEP_REFUSED: ((500, 350),),
    names.BEEP_LOCKED: ((500, 120), (0, 80), (500, 120), (0, 80), (500, 120)),
    names.BEEP_WARNING: ((2000, 80), (0, 120), (2000, 80)),
    names.BEEP_SWITCHED_OFF: ((1200, 200), (0, 60), (900, 200), (0, 60), (600, 300)),
}
