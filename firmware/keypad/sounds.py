"""How the beep patterns of a SHOW sound, in the steps of firmware.drivers.buzzer."""

from shared.wire import keypad_messages as names

CLICK = bytes((120, 1))

PATTERNS = {
    names.BEEP_ACCEPTED: bytes((90, 9, 0, 4, 120, 18)),
    names.BEEP_REFUSED: bytes((25, 35)),
    names.BEEP_LOCKED: bytes((25, 12, 0, 8, 25, 12, 0, 8, 25, 12)),
    names.BEEP_WARNING: bytes((100, 8, 0, 12, 100, 8)),
    names.BEEP_SWITCHED_OFF: bytes((60, 20, 0, 6, 45, 20, 0, 6, 30, 30)),
}
