"""The one door for tokens: judges what comes from the keypad or the head-end, and locks."""

from firmware.meter import token_rules
from shared.sts import decoder, result
from shared.sts import token as tokens
from shared.wire import codes


class TokenDoor:
    """Applies the rules of tokens to the state; the caller journals it and shows the answer.

    Times are in 0.1 s since power-up.
    """

    def __init__(self, clock, note):
        """Take the clock port, and note(code, a, b, c) for events."""
        self._clock = clock
        self._note = note
        self._limit = token_rules.RemoteLimit()
        self._locked_until = 0

    def lock(self, state, now):
        """Lock the keypad as the count of wrong entries says, from now on."""
        seconds = token_rules.lock_seconds(state.wrong_entries)
        self._locked_until = now + seconds * 10 if seconds else 0

    def locked_seconds(self, now):
        """Return for how many seconds more the keypad takes no token (0: it does)."""
        return max(self._locked_until - now + 9, 0) // 10

    def takes_remote(self, now):
        """Return True unless too many wrong tokens came from the head-end."""
        return self._limit.is_open(now)

    def judge(self, state, digits, remote, now):
        """Carry out a token, or refuse it.

        Args:
            state: MeterState, changed in memory.
            digits: 20 decimal digits.
            remote: True if the head-end sent it.
            now: the time.

        Returns:
            tuple: (result code, Wh credited, Token or None, whether the state changed).
        """
        code, token = decoder.validate(state.decoder, digits)
        for_all_meters = token is not None and token.token_class == tokens.METER_CLASS
        if not remote and self.locked_seconds(now) and not for_all_meters:
            return result.LOCKOUT_ERROR, 0, None, False
        if token_rules.is_wrong_entry(code):
            return code, 0, None, self._count_wrong(state, code, remote, now)
        credited_wh = 0
        if code == result.ACCEPT:
            code, credited_wh = token_rules.carry_out(state, token)
        if code == result.ACCEPT:
            code = decoder.commit(state.decoder, token, self._clock.utc())
            if for_all_meters:
                return code, 0, token, False
            if code != result.KEY_TYPE_ERROR:
                self._accepted(state, code, token, credited_wh, remote, now)
                return code, credited_wh, token, True
        tid = 0 if token is None or for_all_meters or token.is_key_section else token.tid
        self._note(codes.EVENT_TOKEN_REFUSED, code, int(remote), tid)
        return code, 0, token, code == result.KEY_TYPE_ERROR

    def _count_wrong(self, state, code, remote, now):
        """Count a wrong entry; return whether the state changed."""
        self._note(codes.EVENT_TOKEN_REFUSED, code, int(remote))
        if remote:
            self._limit.count_wrong()
            return False
        token_rules.count_wrong_entry(state)
        self.lock(state, now)
        locked_s = self.locked_seconds(now)
        if locked_s:
            self._note(codes.EVENT_KEYPAD_LOCKED, locked_s, state.wrong_entries)
        return True

    def _accepted(self, state, code, token, credited_wh, remote, now):
        state.wrong_entries = 0
        self.lock(state, now)
        if not token.is_key_section:
            state.remember_token(token.tid, credited_wh, int(remote))
            self._note(codes.EVENT_TOKEN_ACCEPTED, state.credit_wh, credited_wh, token.tid)
        elif code == result.ACCEPT:
            key = state.decoder
            self._note(codes.EVENT_KEY_CHANGED, key.krn, key.ti, key.sgc)
