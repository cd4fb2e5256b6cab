"""Information screens: what a short code, or a meter test token, shows; loaded when asked for."""

from firmware.meter import wording
from firmware.meter.wording import between, kwh, why

# Screens by short code.
BALANCE, TOTAL, POWER, TOKENS, NUMBER, KEY, LIMITS, DAYS, LOAD, CLOCK = range(1, 11)
FIRMWARE, TAMPER, KEY_DETAILS, DISPLAY = range(11, 15)

_TOKENS_SHOWN = 5

# Tests of a class 1 token: bit -> screen. Others are skipped.
_TESTS = {
    0: LOAD,
    1: DISPLAY,
    2: TOTAL,
    3: KEY_DETAILS,
    4: KEY,
    5: DISPLAY,
    6: LIMITS,
    7: TAMPER,
    8: POWER,
    9: FIRMWARE,
    13: KEY_DETAILS,
    15: KEY,
    16: KEY_DETAILS,
    17: NUMBER,
}


def tests(control):
    """Return the screens that a meter test token asks for, each once, in order.

    Args:
        control: test n as bit n - 1.
    """
    screens = []
    for bit in sorted(_TESTS):
        if control >> bit & 1 and _TESTS[bit] not in screens:
            screens.append(_TESTS[bit])
    return screens


def screens(code, meter, texts):
    """Return what a short code shows: a list of texts of two rows; empty for an unknown code.

    Args:
        code: number of a screen.
        meter: Meter, whose state and measurements are shown.
        texts: module of the language.
    """
    make = _SCREENS.get(code)
    return make(meter, meter.state, texts) if make else []


def _balance(meter, state, texts):
    return [texts[wording.CREDIT] + "\n" + between("", kwh(state.credit_wh) + " kWh")]


def _total(meter, state, texts):
    return [texts[wording.TOTAL] + "\n" + between("", kwh(state.total_wh) + " kWh")]


def _power(meter, state, texts):
    return [texts[wording.POWER] + "\n" + between("", "%d W" % meter.power_w)]


def _tokens(meter, state, texts):
    shown = []
    for place, (identifier, credited_wh) in enumerate(reversed(state.tokens)):
        origin = texts[wording.REMOTE] if identifier >> 24 else texts[wording.KEYPAD]
        what = kwh(credited_wh) + " kWh" if credited_wh else "-"
        shown.append(between("%s %d" % (texts[wording.TAKEN], place + 1), what) + "\n" + origin)
        if len(shown) == _TOKENS_SHOWN:
            break
    return shown or [texts[wording.NONE_TAKEN]]


def _number(meter, state, texts):
    return [texts[wording.METER_NUMBER] + "\n" + state.drn]


def _key(meter, state, texts):
    key = state.decoder
    return ["%s\n%06d  %d  %02d" % (texts[wording.KEY], key.sgc, key.krn, key.ti)]


def _limits(meter, state, texts):
    limit = "%d W" % state.power_limit_w if state.power_limit_w else texts[wording.NONE]
    warning = kwh(state.low_credit_wh) + " kWh"
    return [
        between(texts[wording.POWER_LIMIT], limit)
        + "\n"
        + between(texts[wording.WARNING], warning)
    ]


def _days(meter, state, texts):
    days = meter.days_left()
    return [
        texts[wording.DAYS_LEFT] + "\n" + (texts[wording.UNKNOWN] if days is None else str(days))
    ]


def _load(meter, state, texts):
    return [texts[wording.LOAD] + "\n" + why(state, texts)]


def _clock(meter, state, texts):
    return [texts[wording.CLOCK] + "\n" + texts.clock_quality(meter.clock.quality)]


def _firmware(meter, state, texts):
    return [texts[wording.FIRMWARE] + "\n" + meter.VERSION]


def _tamper(meter, state, texts):
    return [
        texts[wording.TAMPER]
        + "\n"
        + (texts[wording.YES] if state.tampered else texts[wording.NO])
    ]


def _key_details(meter, state, texts):
    key = state.decoder
    return [
        "%s\n%02d %d  %3d %d"
        % (texts[wording.KEY_DETAILS], key.ea, key.kt, key.ken, key.base_date)
    ]


def _display(meter, state, texts):
    return ["0123456789*#-.,+\nABCDEFGHIJKLMNOP"]


_SCREENS = {
    BALANCE: _balance,
    TOTAL: _total,
    POWER: _power,
    TOKENS: _tokens,
    NUMBER: _number,
    KEY: _key,
    LIMITS: _limits,
    DAYS: _days,
    LOAD: _load,
    CLOCK: _clock,
    FIRMWARE: _firmware,
    TAMPER: _tamper,
    KEY_DETAILS: _key_details,
    DISPLAY: _display,
}
