"""What the meter does with a token that the STS decoder accepted, and with wrong entries."""

from firmware.meter import credit, load_switch
from shared.sts import result
from shared.sts import token as tokens
from shared.wire.codes import OPEN_OVER_POWER

_WH_PER_UNIT = 100
_ELECTRICITY = 0
_LAST_REGISTER = 7
_ALL_REGISTERS = 0xFFFF

_FREE_ENTRIES = 3
_FIRST_LOCK_S = 10
_MOST_DOUBLINGS = 7  # 1280 s
_MOST_ENTRIES = 255

_REMOTE_CHANCES = 10
_REMOTE_CHANCE_DS = 300


def carry_out(state, token):
    """Carry out an authentic token by changing the state, or refuse it without a change.

    Args:
        state: MeterState.
        token: Token that `decoder.validate` accepted.

    Returns:
        tuple: (result code, Wh credited). A meter test is accepted here; showing it is the
        screen's part. A refused one is not consumed.
    """
    if token.token_class == tokens.CREDIT_CLASS:
        return _credit(state, token)
    if token.token_class == tokens.MANAGEMENT_CLASS and not token.is_key_section:
        action = _MANAGEMENT.get(token.subclass)
        return (action(state, token) if action else result.FUNCTION_ERROR), 0
    if token.token_class == tokens.METER_CLASS and token.subclass == tokens.EXTENDED_READ:
        return result.FUNCTION_ERROR, 0  # its bits ask for other things than a test's
    return result.ACCEPT, 0


def _credit(state, token):
    if token.subclass != _ELECTRICITY:
        return result.FUNCTION_ERROR, 0
    credited_wh = token.units * _WH_PER_UNIT
    if not credit.add(state, credited_wh):
        return result.OVERFLOW_ERROR, 0
    return result.ACCEPT, credited_wh


def _set_power_limit(state, token):
    state.power_limit_w = token.units
    load_switch.remove_reason(state, OPEN_OVER_POWER)
    return result.ACCEPT


def _clear_credit(state, token):
    register = token.value16
    if register not in (_ELECTRICITY, _ALL_REGISTERS):
        return result.FUNCTION_ERROR if register <= _LAST_REGISTER else result.RANGE_ERROR
    state.credit_wh = 0
    return result.ACCEPT


def _clear_tamper(state, token):
    load_switch.clear_tamper(state)
    return result.ACCEPT


_MANAGEMENT = {
    tokens.SET_POWER_LIMIT: _set_power_limit,
    tokens.CLEAR_CREDIT: _clear_credit,
    tokens.CLEAR_TAMPER: _clear_tamper,
}


def is_wrong_entry(code):
    """Return True if a result looks like guessing: the number is no token for this meter."""
    return code in (result.CRC_ERROR, result.FORMAT_ERROR)


def count_wrong_entry(state):
    """Count a wrong entry at the keypad; to be journaled before the answer is shown."""
    state.wrong_entries = min(state.wrong_entries + 1, _MOST_ENTRIES)


def lock_seconds(wrong_entries):
    """Return how long the keypad is locked after so many wrong entries in a row (0..1280)."""
    if wrong_entries < _FREE_ENTRIES:
        return 0
    return _FIRST_LOCK_S << min(wrong_entries - _FREE_ENTRIES, _MOST_DOUBLINGS)


class RemoteLimit:
    """Rate limit of wrong tokens from the head-end: ten, then one each 30 s.

    Signed tokens pass a locked keypad, and this keeps them from being a way to guess.
    """

    def __init__(self):
        self._used = 0
        self._since = 0

    def is_open(self, now):
        """Return True if another token may be tried; `now` in 0.1 s since power-up."""
        regained = (now - self._since) // _REMOTE_CHANCE_DS
        if regained > 0:
            self._used = max(self._used - regained, 0)
            self._since += regained * _REMOTE_CHANCE_DS
        return self._used < _REMOTE_CHANCES

    def count_wrong(self):
        """Count a token that was wrong."""
        self._used += 1
