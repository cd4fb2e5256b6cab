"""Messages keep their order and stay until stored; when flash is full the right ones go first."""

from firmware.meter.queue import EVENT, READING, SECTORS, Queue, pack
from firmware.meter.tests.flash import Flash

PLAIN = 204
FRAUD = 502
TIME = 1795305600


class Filled:
    """A queue and what was put into it."""

    def __init__(self):
        self.flash = Flash(SECTORS)
        self.queue = Queue(self.flash)
        self.seq = 0

    def put(self, kind, code=0, boot=7):
        self.seq += 1
        self.queue.append(pack((boot, self.seq), kind, code, TIME, -5, 6, self.seq << 20))

    def again(self):
        """The same flash after a restart."""
        self.queue = Queue(self.flash)
        self.queue.mount()

    def numbers(self, after=(0, 0), limit=99999, kind=None, code=None):
        return [
            each[0]
            for each in self.queue.pending(after, limit)
            if kind in (None, each[2]) and code in (None, each[4])
        ]


def test_kinds_come_out_mixed_in_order():
    filled = Filled()
    for number in range(600):
        filled.put(READING if number % 3 else EVENT, FRAUD if number % 2 else PLAIN)
    assert filled.numbers() == list(range(1, 601))
    filled.again()
    assert filled.numbers() == list(range(1, 601))
    assert filled.numbers((7, 590)) == list(range(591, 601))
    assert filled.numbers((7, 100), 3) == [101, 102, 103]
    assert filled.numbers((6, 9999), 2) == [1, 2]  # an earlier power-up, whatever its number
    assert filled.numbers((7, 600)) == []


def test_a_message_comes_out_as_it_was_put_in():
    filled = Filled()
    filled.queue.append(pack((3, 9), READING, 2301, None, -7, 8, 5 << 32 | 6))
    assert list(filled.queue.pending((0, 0), 9)) == [(9, 3, READING, 5, 2301, 0, -7, 8, 6)]
    assert filled.queue.last == (3, 9)


def test_what_is_stored_already_is_left_alone():
    filled = Filled()
    filled.put(EVENT, PLAIN)
    filled.put(EVENT, PLAIN)
    filled.queue.append(pack((7, 1), EVENT, PLAIN, TIME))
    filled.again()
    filled.queue.append(pack((7, 2), EVENT, PLAIN, TIME))
    assert filled.numbers() == [1, 2]


def test_readings_thin_out_and_events_stay():
    filled = Filled()
    for _ in range(20):
        filled.put(EVENT, PLAIN)
        filled.put(EVENT, FRAUD)
    for _ in range(5000):
        filled.put(READING)
    for again in range(2):
        assert filled.numbers(kind=EVENT) == list(range(1, 41))
        kept = filled.numbers(kind=READING)
        newest = [each for each in kept if each > 5040 - 14 * 128]
        assert newest == list(range(5040 - 14 * 128 + 1, 5041))
        older = [each for each in kept if each <= 5040 - 15 * 128]
        assert 5 * 128 <= len(older) <= 8 * 128
        assert {older[place + 1] - older[place] for place in range(len(older) - 1)} == {4}
        if not again:
            assert len(kept) + filled.queue.discarded == 5000
            filled.again()


def test_stored_readings_are_no_loss():
    filled = Filled()
    for _ in range(4000):
        filled.put(READING)
        filled.queue.stored = filled.queue.last
    assert filled.queue.discarded == 0
    assert filled.numbers(filled.queue.stored) == []


def test_fraud_events_outlast_others():
    filled = Filled()
    for _ in range(200):
        filled.put(EVENT, FRAUD)
    for _ in range(2000):
        filled.put(EVENT, PLAIN)
    assert len(filled.numbers(code=FRAUD)) == 200
    assert 3 * 128 <= len(filled.numbers(code=PLAIN)) <= 4 * 128
    assert filled.queue.discarded == 2000 - len(filled.numbers(code=PLAIN))


def test_handing_out_a_backlog_reads_each_record_about_once():
    filled = Filled()
    for _ in range(1000):
        filled.put(READING)
    before = filled.flash.reads
    after = (0, 0)
    for _ in range(1000):
        for message in filled.queue.pending(after, 1):
            after = (message[1], message[0])
    assert after == (7, 1000)
    assert filled.flash.reads - before < 2500
