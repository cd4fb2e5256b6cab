"""The meter: takes what happens, applies the rules, journals, and then carries out the effects.

Everything that must survive is written before it is shown or acted on. It knows ports (journal,
queue, clock, relay, log), no hardware and no network.
"""

from firmware.meter import commands, credit, load_switch, reports, wording
from firmware.meter.consumption import Consumption
from firmware.meter.recorder import Recorder
from firmware.meter.ring import StorageFault
from firmware.meter.screen import CODE_LENGTH, TOKEN_LENGTH, Screen
from firmware.meter.state import NO_MESSAGE, MeterState, UnknownSchema
from firmware.meter.token_door import TokenDoor
from shared.sts import result
from shared.sts import token as tokens
from shared.wire import codes
from shared.wire.commands import HARMLESS, TOKEN
from shared.wire.keypad_messages import BEEP_SWITCHED_OFF, BEEP_WARNING

ENERGY_RECORD_WH = 10
KEYPAD = "keypad"
REMOTE = "remote"
_TICKS_MASK = 0x3FFFFFFF  # every platform's millisecond counter wraps at a multiple of this
_RETRY_TIME = 100


class Meter:
    """One meter between its ports.

    Attributes:
        state: MeterState.
        fault: True when the journal is empty, damaged or of other firmware: nothing works then
            until the meter is provisioned again.
        boot_nonce: random text of this power-up.
        changes: rises whenever the state message would read differently.
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
        self.state = MeterState()
        self.fault = True
        self.boot_nonce = ""
        self.clock = clock
        self.relay = relay
        self.changes = 0
        self._recorder = Recorder(journal, messages, clock, log)
        self._log = log
        self._impulses_per_kwh = config.get("impulses_per_kwh", 1000)
        self._screen = Screen()
        self._words = wording.words(0)
        self._consumption = Consumption()
        self._door = TokenDoor(clock, self.note)
        self._driver = load_switch.Driver(relay)
        self._linked = False
        self._revision = 0
        self._reasons_before = 0
        self._pulses = self._recorded_pulses = 0
        self._unrecorded_wh = 0
        self._unsaved = False
        self._is_doubtful = False  # the state in memory may be half changed
        self._outcome = None  # what the work being done comes to once it is stored
        self._ticks = clock.ticks_ms()
        self._ms = 0
        self._now = 0  # 0.1 s since power-up
        self._retry_at = 0

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

    def _record(self):
        try:
            if self._unsaved:
                self._commit()
            elif self._unrecorded_wh >= ENERGY_RECORD_WH:
                self._recorder.save_energy(self.state)
                self._recorded()
        except StorageFault as error:
            # What was used is kept in memory and recorded as soon as flash takes it again.
            self._unsaved = True
            self._storage_failed(error)

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

    def _whole(self, work, *arguments):
        """Do what changes the state wholly or not at all, though memory may run out in it.

        Raises:
            MemoryError: twice; nothing has changed then.
        """
        if self._is_doubtful:
            self._undo()
        serial = self._recorder.serial
        try:
            return work(*arguments)
        except MemoryError:
            self._undo()
        if self._recorder.serial != serial:
            return self._outcome  # it was stored before memory ran out
        try:
            return work(*arguments)
        except MemoryError:
            self._undo()
            raise

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
        return self._whole(self._carry_out, claims, digest)

    def _carry_out(self, claims, digest):
        n = claims["n"]
        first = commands.kept_answer(self.state, n, digest)
        if first:
            return first
        status = commands.why_refused(claims, self.clock, self.boot_nonce)
        if claims["cmd"] in HARMLESS:
            return commands.answer(n, status) if status else commands.look(self, claims)
        if n <= self.state.last_n:
            self.report_event(codes.EVENT_COMMAND_REPLAYED, n)
            return commands.answer(n, codes.REPLAYED)
        if claims["cmd"] == TOKEN:
            return self._remote_token(claims, digest)
        figures = commands.NOTHING
        if status:
            self.note(codes.EVENT_COMMAND_EXPIRED, n, status)
        else:
            status, figures = commands.execute(self, claims)
        return self._keep(claims, digest, status, figures)

    def _remote_token(self, claims, digest):
        if not self._door.takes_remote(self._now):
            return commands.answer(claims["n"], codes.BUSY)
        digits = claims["args"]["digits"]
        code, credited_wh, token, _ = self._door.judge(self.state, digits, True, self._now)
        figures = commands.NOTHING
        if code == result.ACCEPT and not token.is_key_section:
            figures = (token.tid, self.state.credit_wh, credited_wh, 0)
        told = self._keep(claims, digest, code, figures)
        if told["status"] == code:
            self._show_result(code, credited_wh, token, REMOTE)
        return told

    def _keep(self, claims, digest, status, figures):
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

    def note(self, code, a=0, b=0, c=0):
        """Note an event that is stored together with the change it tells of."""
        self._recorder.note(self.state, code, a, b, c)

    def report_event(self, code, a=0, b=0, c=0):
        """Queue an event for the head-end at once.

        Args:
            code: event code of shared/wire/codes.py.
            a, b, c: its figures, as firmware/meter/reports.py names them.
        """
        if not self.fault:
            self.note(code, a, b, c)
            self._recorder.queue_notes()
            self.changes += 1

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
        """Erase at most one flash sector ahead of need; return True if there was one to do."""
        return not self.fault and self._recorder.prepare()

    def _apply_rules(self):
        """Let load switch and warning follow the state; return True if one of them moved."""
        state = self.state
        load_switch.update_credit_reason(state)
        moved = credit.update_warning(state)
        if moved:
            low = state.low_credit
            code = codes.EVENT_LOW_CREDIT if low else codes.EVENT_LOW_CREDIT_ENDED
            self.note(code, state.credit_wh)
            if low:
                self._screen.beep(BEEP_WARNING)
        before, reasons = self._reasons_before, state.open_reasons
        if reasons == before:
            return moved
        self._reasons_before = reasons
        if reasons & ~before & codes.OPEN_NO_CREDIT:
            self.note(codes.EVENT_CREDIT_EXHAUSTED, state.credit_wh)
        if reasons and not before:
            self.note(codes.EVENT_SWITCH_OPENED, reasons)
            self._screen.beep(BEEP_SWITCHED_OFF)
        elif not reasons:
            self.note(codes.EVENT_SWITCH_CLOSED)
        return True

    def _commit(self):
        """Store the state, then carry out what it says.

        Raises:
            StorageFault: nothing was stored.
        """
        self._apply_rules()
        self._recorder.save(self.state)
        self._unsaved = False
        self._recorded()
        try:
            self._words = wording.words(self.state.language)
            self._drive_relay()
        except MemoryError:
            pass  # stored it is; the next tick drives the relay

    def _commit_or_undo(self):
        """Store the state, or go back to the stored one and return False."""
        try:
            self._commit()
            return True
        except StorageFault as error:
            self._storage_failed(error)
        self._undo()
        return False

    def _undo(self):
        """Go back to what is stored.

        Raises:
            MemoryError: then it is done before anything else, as soon as there is memory.
        """
        self._is_doubtful = True
        try:
            self._load()
            self._recorder.queue_rest()
            self._pulses = self._recorded_pulses
            self._door.lock(self.state, self._now)
        except (StorageFault, UnknownSchema) as error:
            self._fail(error)
        self._is_doubtful = False

    def _load(self):
        self.state = self._recorder.load()
        self.fault = False
        self._words = wording.words(self.state.language)
        self._reasons_before = self.state.open_reasons
        self._unrecorded_wh = 0
        self._screen.changed = True

    def _recorded(self):
        self._unrecorded_wh = 0
        self._recorded_pulses = self._pulses
        self._screen.changed = True
        self.changes += 1

    def _storage_failed(self, error):
        self._log("error", str(error))
        if not self._retry_at:  # once in a power-up is enough to tell
            self.report_event(codes.EVENT_STORAGE_FAULT)
        self._retry_at = self._now + _RETRY_TIME

    def _fail(self, error):
        self._log("error", str(error) + "; provision the meter again")
        self.fault = True
        self.state = MeterState()
        self.state.open_reasons = codes.OPEN_FAULT
        self._screen.changed = True

    def _pass_time(self):
        ticks = self.clock.ticks_ms()
        self._ms += (ticks - self._ticks) & _TICKS_MASK
        self._ticks = ticks
        if self._ms >= 100:
            self._now += self._ms // 100
            self._ms %= 100
            self._screen.update(self._now)

    def _drive_relay(self):
        outcome = self._driver.drive(not self.state.open_reasons, self._now)
        if outcome == load_switch.MOVED:
            self.changes += 1
        elif outcome == load_switch.FAULTY:
            self.report_event(codes.EVENT_SWITCH_FAULT)


def _information():
    """Return the module of information screens, which takes memory only once it is asked for."""
    from firmware.meter import information

    return information
