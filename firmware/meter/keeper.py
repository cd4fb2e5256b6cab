"""A meter's state, what follows from it, and its place on flash: stored wholly or not at all."""

from firmware.meter import credit, load_switch, wording
from firmware.meter.recorder import Recorder
from firmware.meter.ring import StorageFault
from firmware.meter.screen import Screen
from firmware.meter.state import MeterState, UnknownSchema
from firmware.meter.token_door import TokenDoor
from shared.wire import codes
from shared.wire.keypad_messages import BEEP_SWITCHED_OFF, BEEP_WARNING

ENERGY_RECORD_WH = 10
_RETRY_TIME = 100


class Keeper:
    """What Meter is built on: Meter changes `state`; here the rest follows and is kept.

    Attributes:
        state: MeterState.
        fault: True when the journal is empty, damaged or of other firmware: nothing works then
            until the meter is provisioned again.
        changes: rises whenever the state message would read differently.
    """

    def __init__(self, journal, messages, clock, relay, log):
        """Take the ports, as Meter does."""
        self.state = MeterState()
        self.fault = True
        self.clock = clock
        self.relay = relay
        self.changes = 0
        self._recorder = Recorder(journal, messages, clock, log)
        self._log = log
        self._screen = Screen()
        self._words = wording.words(0)
        self._door = TokenDoor(clock, self.note)
        self._driver = load_switch.Driver(relay)
        self._reasons_before = 0
        self._pulses = self._recorded_pulses = 0
        self._unrecorded_wh = 0
        self._unsaved = False
        self._is_doubtful = False  # the state in memory may be half changed
        self._outcome = None  # what the work being done comes to once it is stored
        self._now = 0  # 0.1 s since power-up
        self._retry_at = 0

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

    def _drive_relay(self):
        outcome = self._driver.drive(not self.state.open_reasons, self._now)
        if outcome == load_switch.MOVED:
            self.changes += 1
        elif outcome == load_switch.FAULTY:
            self.report_event(codes.EVENT_SWITCH_FAULT)

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
