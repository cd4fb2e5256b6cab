"""What happened, on its way into the journal and the queue, in the order that survives power cuts.

Messages about a change are part of its snapshot and are queued after it; after a power cut between
the two they are queued again from the snapshot.
"""

from firmware.meter import queue
from firmware.meter.ring import StorageFault
from firmware.meter.state import EVENTS_KEPT, MeterState
from shared.wire import codes


class Recorder:
    """Numbers messages and stores states.

    Attributes:
        messages: the Queue.
    """

    def __init__(self, journal, messages, clock, log):
        """Take the ports: Journal, Queue, clock and log(level, text)."""
        self.messages = messages
        self._journal = journal
        self._clock = clock
        self._log = log
        self._notes = []
        self._unqueued = []  # told already, but the queue has not taken them yet

    @property
    def serial(self):
        """Serial number of the newest snapshot: it rises when a change is stored."""
        return self._journal.serial

    def load(self):
        """Return the state as last stored; messages it tells of are queued if they are not yet.

        Raises:
            StorageFault: there is none.
            UnknownSchema: other firmware wrote it.
        """
        state = MeterState()
        self._journal.load(state)
        self._notes = []
        self._unqueued += state.events
        self.stored(state, state.stored_boot, state.stored_seq)
        return state

    def stored(self, state, boot, seq):
        """Take note that the head-end has stored everything up to (boot, seq), if that is news."""
        self.messages.stored = max(self.messages.stored, (boot, seq))
        state.stored_boot, state.stored_seq = self.messages.stored

    def begin(self):
        """Mount the queue and queue what a power cut left between snapshot and queue."""
        try:
            self.messages.mount()
            self.queue_rest()
        except StorageFault as error:
            self._log("error", str(error))

    def note(self, state, code, a=0, b=0, c=0):
        """Note an event, to be stored with the next snapshot or by `queue_notes`.

        Args:
            state: MeterState.
            code: event code.
            a, b, c: its figures, as firmware/meter/reports.py names them.
        """
        ahead = len(self._unqueued) + len(self._notes)
        number = (state.boot, self.messages.last[1] + 1 + ahead)
        # A restored clock stands where the power went; what happens since happened later.
        utc = None if self._clock.quality == "restored" else self._clock.utc()
        self._notes.append(queue.pack(number, queue.EVENT, code, utc, a, b, c))

    def save(self, state):
        """Store a snapshot with the events noted, then queue these.

        Raises:
            StorageFault: nothing was stored; the notes are forgotten.
        """
        self._remember_time(state)
        notes, self._notes = self._notes, []
        state.events = notes[-EVENTS_KEPT:]
        self._journal.save(state)
        self._unqueued += notes
        self.queue_rest()

    def save_energy(self, state):
        """Store an energy record.

        Raises:
            StorageFault: it was not stored.
        """
        self._remember_time(state)
        self._journal.save_energy(state)

    def queue_notes(self):
        """Queue the events noted, without a snapshot."""
        self._unqueued += self._notes
        self._notes = []
        self.queue_rest()

    def queue_reading(self, state, end, power_w):
        """Queue a reading; `end` is its interval's end in UTC seconds, None if not known."""
        number = (state.boot, self.messages.last[1] + 1 + len(self._unqueued))
        figures = (state.credit_wh, power_w, state.total_wh)
        self._unqueued.append(queue.pack(number, queue.READING, 0, end, *figures))
        self.queue_rest()
        discarded = self.messages.discarded
        if discarded:
            self.messages.discarded = 0
            self.note(state, codes.EVENT_READINGS_DISCARDED, discarded)
            self.queue_notes()

    def prepare(self):
        """Erase at most one flash sector ahead of need; return True if there was one to do."""
        return self._journal.prepare() or self.messages.prepare()

    def _remember_time(self, state):
        state.last_utc = self._clock.utc() or state.last_utc

    def queue_rest(self):
        """Queue what is told already; what memory runs out for is left for the next call."""
        unqueued = self._unqueued
        try:
            while unqueued:
                self.messages.append(unqueued[0])
                unqueued.pop(0)
        except StorageFault as error:
            # The head-end misses a message; the state message still tells it how things stand.
            unqueued.pop(0)
            self._log("error", str(error))
        except MemoryError:
            pass
