"""Puts words and figures into the rows of the display."""

from shared.wire import codes

FRENCH = 1
_WIDTH = 16

# Places of the texts in texts_en.py and its siblings.
ON = 0
PREPAID = 1
POSTPAID = 2
LOW = 3
CREDIT = 4
USED = 5
OFF = 6
FAULT = 12
RESULTS = 13
TOO_SHORT = 32
NO_SUCH_CODE = 33
TOTAL = 34
POWER = 35
TAKEN = 36
NONE_TAKEN = 37
METER_NUMBER = 38
KEY = 39
POWER_LIMIT = 40
NONE = 41
WARNING = 42
DAYS_LEFT = 43
UNKNOWN = 44
LOAD = 45
CLOCK = 46
CLOCK_QUALITIES = 47
FIRMWARE = 51
TAMPER = 52
YES = 53
NO = 54
KEY_DETAILS = 55
KEYPAD = 56
REMOTE = 57

_RESULTS_IN_ROW = 18
_QUALITIES = ("unset", "restored", "set", "simulated")


class Texts:
    """The texts of one language: `texts[ON]`, kept in one piece."""

    def __init__(self, packed):
        self._packed = packed

    def __getitem__(self, place):
        """Return the text at a place, which is one of the numbers above."""
        packed = self._packed
        start = 0
        for _ in range(place):
            start = packed.find("|", start) + 1
        return packed[start : packed.find("|", start)]

    def result(self, code):
        """Return the text for a result code, "" if there is none."""
        if 1 <= code <= _RESULTS_IN_ROW:
            return self[RESULTS + code - 1]
        return self[RESULTS + _RESULTS_IN_ROW] if code == codes.STORAGE_FAULT else ""

    def clock_quality(self, quality):
        """Return the text for a quality of the clock."""
        return self[CLOCK_QUALITIES + _QUALITIES.index(quality)]


def words(language):
    """Return the Texts of a language (its number); only that one is loaded."""
    if language == FRENCH:
        from firmware.meter import texts_fr

        return Texts(texts_fr.TEXTS)
    from firmware.meter import texts_en

    return Texts(texts_en.TEXTS)


_KWH = " kWh"


def kwh(wh):
    """Return watt-hours as kWh: two decimals below 1000, else one; never rounded up."""
    sign, wh = ("-", -wh) if wh < 0 else ("", wh)
    whole, rest = wh // 1000, wh % 1000
    if whole < 1000:
        return "%s%d.%02d" % (sign, whole, rest // 10)
    return "%s%d.%d" % (sign, whole, rest // 100)


def row_of_kwh(name, wh):
    """Return a row that names an energy, with as many of its decimals as there is room for."""
    text = kwh(wh)
    room = _WIDTH - len(name) - len(" ") - len(_KWH)
    return between(name, text[: max(room, text.index("."))].rstrip(".") + _KWH)


def between(left, right):
    """Return a row with one text at the left edge and one at the right; the right one has room."""
    left = left[: max(_WIDTH - len(right) - 1, 0)]
    return left + " " * (_WIDTH - len(left) - len(right)) + right


def why(state, texts):
    """Return in words how the load switch stands and why."""
    reasons = state.open_reasons
    if not reasons:
        return texts[ON]
    bit = 0
    while not reasons >> bit & 1:
        bit += 1
    return texts[OFF + bit]
