"""The meter: takes what happens, applies the rules, journals, and then carries out the effects.

Everything that must survive is written before it is shown or acted on; keeper.py sees to that. It
knows ports (journal, queue, clock, relay, log), no hardware and no network.
"""

from firmware.meter import commands, credit, load_switch, reports, wording
from firmware.meter.consumption import Consumption
from firmware.meter.keeper import Keeper
from firmware.meter.ring import StorageFault
from firmware.meter.screen import CODE_LENGTH, TOKEN_LENGTH
from firmware.meter.state import NO_MESSAGE, UnknownSchema
from shared.sts import result
from shared.sts import token as tokens
from shared.wire import codes

KEYPAD = "keypad"
REMOTE = "remote"
_TICKS_MASK = 0x3FFFFFFF  # every platform's millisecond counter wraps at a multiple of this


class Meter(Keeper):
    """One meter between its ports.

    Attributes beside those of Keeper:
        boot_nonce: random text of this power-up.
    """

    VERSION = "0.1.0"

    def __init__(self, journal, messages, clock, relay, config, log):
        """Take the ports; `start` does the rest.

        Args:
            journal: Journal.
            messages: Queue.
            clock: utc(), calendar(), ticks_ms(), set(utc), restore(utc), quality.
            relay: set(closed), is_closed().
            config: dict with "impulses_per_kwh".
            log: log(level, text).
        """
        super().__init__(journal, messages, clock, relay, log)
        self.boot_nonce = ""
        self._impulses_per_kwh = config.get("impulses_per_kwh", 1000)
        self._consumption = Consumption()
        self._linked = False
        self._revision = 0
        self._ticks = clock.ticks_ms()
        self._ms = 0

    def start(self, boot_nonce):
        """Load the journal and begin a new power-up.

        Args:
            boot_nonce: random text.
        """
        self.boot_nonce = boot_nonce
        try:
            self._load()
            state = self.state
            self.clock.restore(state.last_utc)
            self._recorder.begin()
            state.boot += 1
            self._door.lock(self.state, self._now)
            self.note(codes.EVENT_POWER_UP)
            self._commit()
        except (StorageFault, UnknownSchema) as error:
            self._fail(error)
        self._drive_relay()

    @property
    def power_w(self):
        """Mean power of the last 10 to 60 s, in W."""
        return self._consumption.power_w

    def days_left(self):
        """Return whole days that credit will last, or None if not yet known."""
        return self._consumption.days_left(self.state.credit_wh)

    def tick(self, total_pulses, now):
        """Count energy and time; call it 4 to 10 times a second, also after a MemoryError.

        Args:
            total_pulses: of the energy source since power-on.
            now: the calendar's UTC seconds, or None if the clock was never set.
        """
        self._pass_time()
        if self._is_doubtful:
            self._undo()
        if not self.fault:
            self._recorder.queue_rest()
            self._use(total_pulses)
            self._advance(now)
            if self._apply_rules():
                self._unsaved = True
            if self._now >= self._retry_at:
                self._record()
        self._drive_relay()

    def _use(self, total_pulses):
        new = total_pulses - self._pulses
        used_wh = credit.use_pulses(self.state, new, self._impulses_per_kwh) if new > 0 else 0
        self._pulses = total_pulses
        if used_wh:
            self._consumption.count(used_wh)
            self._unrecorded_wh += used_wh
            self._screen.changed = True

    def _advance(self, now):
        known = now is not None
        end = self._consumption.advance(self.state, now if known else self._now // 10)
        if end is not None:
            figures = self.state, end if known else None, self.power_w
            try:
                self._recorder.queue_reading(*figures)
            except MemoryError:
                self._recorder.queue_reading(*figures)
            self.changes += 1
        until = self.state.message[0]
        if until and (self.clock.utc() or 0) >= until:
            self.state.message = NO_MESSAGE
            self._unsaved = True

    def key_pressed(self, key):
        """Take one key: "0" to "9", "*" (takes a digit back), "#" (enter)."""
        self._pass_time()
        entry = self._screen.press(key, self._now)
        if entry is None:
            return
        if self.fault:
            self._screen.show([self._words[wording.FAULT]], self._now)
        elif not entry:
            self._enter_pressed()
        elif len(entry) == TOKEN_LENGTH:
            self.enter_token(entry, KEYPAD)
        elif len(entry) > CODE_LENGTH:
            self._screen.show([self._words[wording.TOO_SHORT]], self._now)
        else:
            self._show_screens((int(entry),), self._words[wording.NO_SUCH_CODE])

    def _enter_pressed(self):
        if load_switch.press_key(self.state):
            self._unsaved = True
            self._record()
            self._drive_relay()
        else:
            why = wording.why(self.state, self._words)
            self._screen.show([self._words[wording.LOAD] + "\n" + why], self._now)

    def enter_token(self, digits, origin):
        """Take a token from the keypad or the head-end; the one door for both.

        Args:
            digits: 20 decimal digits.
            origin: KEYPAD or REMOTE.

        Returns:
            STS result code (shared/sts/result.py), or codes.STORAGE_FAULT. What it says is
            journaled and read back.
        """
        self._pass_time()
        if self.fault:
            return codes.STORAGE_FAULT
        code, credited_wh, token = self._whole(self._take_token, digits, origin)
        self._show_result(code, credited_wh, token, origin)
        return code

    def _take_token(self, digits, origin):
        code, credited_wh, token, changed = self._door.judge(
            self.state, digits, origin == REMOTE, self._now
        )
        if not changed:
            self._recorder.queue_notes()
            return code, credited_wh, token
        self._outcome = code, credited_wh, token
        return self._outcome if self._commit_or_undo() else (codes.STORAGE_FAULT, 0, None)

    def _show_result(self, code, credited_wh, token, origin):
        if origin == REMOTE and not credited_wh:
            return
        locked_s = self.locked_seconds()
        self._screen.show_result(code, credited_wh, locked_s, self._words, self._now)
        if code == result.ACCEPT and token.token_class == tokens.METER_CLASS:
            numbers = _information().tests(token.control)
            self._show_screens(numbers, self._words.result(result.FUNCTION_ERROR))

    def _show_screens(self, numbers, otherwise):
        shown = []
        for number in numbers:
            shown += _information().screens(number, self, self._words)
        self._screen.show(shown or [otherwise], self._now)

    def locked_seconds(self):
        """Return for how many seconds more the keypad takes no token (0: it does)."""
        return self._door.locked_seconds(self._now)

    def handle_command(self, claims, digest):
        """Carry out a command of the head-end, once.

        Args:
            claims: verified, and checked by shared/wire/commands.py.
            digest: 8 bytes of the hash of the message.

        Returns:
            dict with n, stage "done", status and detail; it is journaled with its effect.
        """
        self._pass_time()
        if self.fault:
            return commands.answer(claims["n"], codes.STORAGE_FAULT)
        return self._whole(commands.carry_out, self, claims, digest)

    def take_remote_token(self, claims, digest):
        """Take the token of a command; return the command's answer."""
        if not self._door.takes_remote(self._now):
            return commands.answer(claims["n"], codes.BUSY)
        digits = claims["args"]["digits"]
        code, credited_wh, token, _ = self._door.judge(self.state, digits, True, self._now)
        figures = commands.NOTHING
        if code == result.ACCEPT and not token.is_key_section:
            figures = (token.tid, self.state.credit_wh, credited_wh, 0)
        told = self.keep(claims, digest, code, figures)
        if told["status"] == code:
            self._show_result(code, credited_wh, token, REMOTE)
        return told

    def keep(self, claims, digest, status, figures):
        """Journal a command's effect and answer in one record; return the answer."""
        told = self._outcome = commands.keep_answer(self.state, claims, digest, status, figures)
        if self._commit_or_undo():
            return told
        return commands.answer(claims["n"], codes.STORAGE_FAULT)

    def face(self):
        """Return what the customer's side shows: one Face object, the same until it changes."""
        return self._screen.draw(self.state, self._words, self._linked)

    def set_linked(self, linked):
        """Say whether the head-end is connected; a lamp shows it."""
        self._linked = linked
        self._screen.changed = True

    def set_clock(self, utc):
        """Set the clock; readings and power begin anew."""
        self.clock.set(utc)
        self._consumption.clock_set()

    def last_message(self):
        """Return (boot, seq) of the newest event or reading."""
        return self._recorder.messages.last

    def state_message(self):
        """Return the fields of the state message; each one has a higher revision."""
        self._revision += 1
        return reports.state_fields(self, self._revision)

    def pending_messages(self, after, limit):
        """Yield (boot, seq, kind, fields) of stored messages after (boot, seq), oldest first."""
        for message in self._recorder.messages.pending(after, limit):
            yield reports.fields(message)

    def messages_stored(self, boot, seq):
        """Take the head-end's word that it has stored all messages up to (boot, seq)."""
        self._recorder.stored(self.state, boot, seq)

    def prepare_storage(self):
        """Erase at most one flash sector ahead of need; return True if there was one to do.

        Call it when there is time: a sector takes 80 ms.

        Raises:
            StorageFault: it can't be erased.
        """
        return not self.fault and self._recorder.prepare()

    def _pass_time(self):
        ticks = self.clock.ticks_ms()
        self._ms += (ticks - self._ticks) & _TICKS_MASK
        self._ticks = ticks
        if self._ms >= 100:
            self._now += self._ms // 100
            self._ms %= 100
            self._screen.update(self._now)


def _information():
    """Return the module of information screens, which takes memory only once it is asked for."""
    from firmware.meter import information

    return information
