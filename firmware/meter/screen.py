"""The entry line and what the display, lamps and buzzer show; the keypad itself knows nothing."""

from firmware.meter import wording
from firmware.meter.state import NEW, POSTPAYMENT
from shared.sts import result
from shared.wire.keypad_messages import (
    BEEP_ACCEPTED,
    BEEP_LOCKED,
    BEEP_REFUSED,
    LAMP_AMBER,
    LAMP_GREEN,
    LAMP_LINK,
    LAMP_RED,
)

TOKEN_LENGTH = 20
CODE_LENGTH = 3
ROW = 16
_FIRST_ROW = 12  # digits of a token in the first row
# In 0.1 s.
_ENTRY_TIME = 300
_RESULT_TIME = 60
_SCREEN_TIME = 50
_TURNS = 3  # a message of the utility has every third
_ACCEPTED = (
    result.ACCEPT,
    result.FIRST_SECTION,
    result.SECOND_SECTION,
    result.THIRD_SECTION,
    result.FOURTH_SECTION,
)


class Face:
    """What is on the customer's side at one moment.

    Attributes:
        rows: two texts of up to 16 characters.
        cursor: place 0..31 counted over both rows, or None.
        lamps: sum of LAMP_ bits (shared/wire/keypad_messages.py).
        buzzer: (pattern, serial number): the pattern is played once per new number.
    """

    def __init__(self):
        self.rows = ["", ""]
        self.cursor = None
        self.lamps = 0
        self.buzzer = (0, 0)


class Screen:
    """Collects key presses into an entry, and decides what is shown for how long.

    Times are in 0.1 s since power-up.
    """

    def __init__(self):
        self.face = Face()
        self.changed = True
        self._entry = ""
        self._shown = []
        self._until = None
        self._message_turn = False

    def press(self, key, now):
        """Take one key.

        Args:
            key: "0" to "9", "*" (takes the last digit back) or "#" (enter).
            now: the time.

        Returns:
            The entry if "#" ended one: "" (nothing entered), 1 to 3 digits (a short code), or
            what is meant as a token; None while there is nothing to do.
        """
        self.changed = True
        if self._shown:
            del self._shown[0]
            if key in "*#":
                self._until = now + _SCREEN_TIME
                return None
            self._shown = []
        self._until = now + _ENTRY_TIME
        if key == "*":
            self._entry = self._entry[:-1]
            return None
        if key != "#":
            if len(self._entry) < TOKEN_LENGTH:
                self._entry += key
            return None
        entry = self._entry
        if not CODE_LENGTH < len(entry) < TOKEN_LENGTH:
            self._entry = ""
        return entry

    def show(self, texts, now, seconds_ds=_SCREEN_TIME):
        """Show texts of two rows one after the other, each for a while or until a key."""
        self._shown = list(texts)
        self._until = now + seconds_ds
        self.changed = True

    def show_result(self, code, credited_wh, locked_s, words, now):
        """Show what became of a token, with its beep.

        Args:
            code: result code.
            credited_wh: Wh credited.
            locked_s: seconds that the keypad is locked now.
            words: Texts.
            now: the time.
        """
        text = words.result(code) or "Error %d" % code
        if credited_wh:
            text += "\n+" + wording.kwh(credited_wh) + " kWh"
        if code == result.LOCKOUT_ERROR:
            text += "\n%d s" % locked_s
        self.show([text], now, _RESULT_TIME)
        if code in _ACCEPTED:
            self.beep(BEEP_ACCEPTED)
        else:
            self.beep(BEEP_LOCKED if locked_s else BEEP_REFUSED)

    def beep(self, pattern):
        """Play a pattern once."""
        self.face.buzzer = (pattern, self.face.buzzer[1] + 1)
        self.changed = True

    def update(self, now):
        """Drop what has been shown long enough, and what was left; a message has its turns."""
        turn = now // _SCREEN_TIME % _TURNS == 0
        if turn != self._message_turn:
            self._message_turn = turn
            self.changed = True
        if self._until is None or now < self._until:
            return
        self.changed = True
        if len(self._shown) > 1:
            del self._shown[0]
            self._until = now + _SCREEN_TIME
            return
        if self._shown and self._entry:
            self._until = now + _ENTRY_TIME
        else:
            self._entry = ""
            self._until = None
        self._shown = []

    def draw(self, state, words, linked):
        """Bring the face up to date; return it.

        Args:
            state: MeterState.
            words: Texts.
            linked: whether the head-end is connected.
        """
        if not self.changed:
            return self.face
        self.changed = False
        face = self.face
        face.cursor = None
        if self._shown:
            row, _, other = self._shown[0].partition("\n")
            face.rows = [row, other]
        elif self._entry:
            face.rows, face.cursor = _entry_rows(self._entry)
        elif self._message_turn and state.message[0]:
            text = state.message[1].decode().rstrip("\0")
            face.rows = [text[:ROW], text[ROW:]]
        else:
            face.rows = _rest_rows(state, words)
        face.lamps = _lamps(state, linked)
        return face


def _entry_rows(entry):
    groups = [entry[start : start + 4] for start in range(0, len(entry), 4)]
    rows = [" ".join(groups[:3]), " ".join(groups[3:])]
    length = len(entry)
    if length == TOKEN_LENGTH:
        return rows, None
    place = length if length < _FIRST_ROW else length - _FIRST_ROW
    return rows, place + place // 4 + (0 if length < _FIRST_ROW else 16)


def _rest_rows(state, words):
    if state.account_status == NEW:
        return words[wording.FAULT].split("\n")
    if state.payment_mode == POSTPAYMENT:
        first = wording.row_of_kwh(words[wording.USED], state.total_wh)
        name = words[wording.POSTPAID]
    else:
        first = wording.row_of_kwh(words[wording.CREDIT], state.credit_wh)
        name = words[wording.LOW] if state.low_credit else words[wording.PREPAID]
    if state.open_reasons:
        return [first, wording.why(state, words)]
    return [first, wording.between(name, words[wording.ON])]


def _lamps(state, linked):
    lamps = LAMP_AMBER if state.low_credit else LAMP_GREEN
    if state.open_reasons:
        lamps = LAMP_RED
    return lamps | LAMP_LINK if linked else lamps
