"""Properties of the journal and of a whole meter over any history, power cuts anywhere."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as some

from firmware.meter.journal import SECTORS, Journal
from firmware.meter.state import MeterState
from firmware.meter.tests.flash import SECTOR_SIZE, Flash, PowerCut
from firmware.meter.tests.kit import Bench
from firmware.meter.tests.test_journal import Register, loaded, prepare, take_token, use_energy
from shared.sts import result
from shared.sts.decoder import DecoderState

OPERATIONS = some.sampled_from([take_token, use_energy, use_energy, use_energy, prepare])


class CarelessFlash(Flash):
    """When power fails, the byte being written or the sector being erased is left at random."""

    def writeblocks(self, block, buffer, offset=0):
        try:
            super().writeblocks(block, buffer, offset)
        except PowerCut:
            size = len(buffer)
            at = random.randrange(size)
            self.image[block * SECTOR_SIZE + offset + at] &= random.randrange(256) | buffer[at]
            raise

    def ioctl(self, operation, argument):
        try:
            return super().ioctl(operation, argument)
        except PowerCut:
            for _ in range(64):
                at = argument * SECTOR_SIZE + random.randrange(SECTOR_SIZE)
                self.image[at] |= random.randrange(256)
            raise


@settings(max_examples=150, deadline=None)
@given(
    some.lists(some.tuples(OPERATIONS, some.integers(1, 200)), min_size=1, max_size=12),
    some.lists(some.integers(0, 60_000), max_size=4),
    some.randoms(use_true_random=False),
)
def test_a_journal_holds_what_was_acknowledged_or_one_more(story, cuts, chance):
    random.seed(chance.random())
    flash = CarelessFlash(SECTORS)
    journal, register = Journal(flash), Register()
    journal.format()
    take_token(journal, register)
    cuts = list(cuts)
    flash.power.cut_after = cuts.pop() if cuts else None
    for operation, times in story:
        for _ in range(times):
            before = register.values()
            try:
                operation(journal, register)
            except PowerCut:
                after = register.values()
                flash.power.cut_after = None
                journal, register = loaded(flash)
                assert register.values() in (before, after)
                flash.power.cut_after = cuts.pop() if cuts else None
    flash.power.cut_after = None
    assert loaded(flash)[1].values() == register.values()


@settings(max_examples=60, deadline=None)
@given(some.data())
def test_no_history_loses_or_doubles_credit(data):
    bench = Bench(low_credit_wh=500)
    tokens = [bench.credit_token(units) for units in (1, 20, 300, 45, 67)]
    worth = [100, 2000, 30_000, 4500, 6700]
    taken: set[int] = set()
    acknowledged: set[int] = set()
    used = lost = 0
    for _ in range(data.draw(some.integers(1, 40))):
        bench.power.cut_after = data.draw(some.none() | some.integers(0, 3000))
        step = data.draw(some.sampled_from(["token", "use", "prepare"]))
        try:
            if step == "token":
                index = data.draw(some.integers(0, 4))
                digits, origin = tokens[index], data.draw(some.sampled_from(["keypad", "remote"]))
                code = bench.meter.enter_token(digits, origin)
                assert code == (result.USED_ERROR if index in taken else result.ACCEPT)
                taken.add(index)
                acknowledged.add(index)
            elif step == "use":
                bench.use(data.draw(some.integers(1, 60)))
            else:
                bench.meter.prepare_storage()
        except PowerCut:
            before = bench.meter.state.total_wh
            bench.power.cut_after = None
            bench.boot()
            lost += 1
            assert 0 <= before - bench.meter.state.total_wh <= 10
        bench.power.cut_after = None
        used = bench.meter.state.total_wh
        credited = bench.meter.state.credit_wh + used
        now = {index for index in range(5) if _is_used(bench, tokens[index])}
        assert acknowledged <= now
        assert credited == sum(worth[index] for index in now)
        taken = now


def _is_used(bench, digits):
    from shared.sts import decoder

    return decoder.validate(bench.meter.state.decoder, digits)[0] == result.USED_ERROR


WORD = some.integers(0, 2**31 - 1)


@given(
    some.fixed_dictionaries(
        {
            "credit_wh": some.integers(-(2**31), 2**31 - 1),
            "total_wh": some.integers(0, 2**40 - 1),
            "postpaid_wh": some.integers(0, 2**32 - 1),
            "remainder": some.integers(0, 65535),
            "last_utc": some.integers(0, 2**32 - 1),
            "boot": WORD,
            "last_n": some.integers(0, 2**30 - 1),
            "open_reasons": some.integers(0, 63),
            "wrong_entries": some.integers(0, 255),
            "drn": some.from_regex(r"[0-9]{11}([0-9]{2})?", fullmatch=True),
        }
    ),
    some.lists(some.tuples(WORD, some.binary(min_size=8, max_size=8)), max_size=8),
    some.lists(some.tuples(WORD, WORD), max_size=20),
    some.lists(
        some.binary(min_size=28, max_size=28).map(lambda each: b"\0" + each[1:]), max_size=4
    ),
)
def test_a_state_comes_back_from_its_snapshot(fields, answers, tokens, events):
    state = MeterState()
    state.pan = "6" * 18
    state.link_root = bytes(32)
    for name, value in fields.items():
        setattr(state, name, value)
    state.decoder = DecoderState(7, b"12345678")
    state.answers = [(n, digest, 1, 2, 2**40, -3, 4, 5) for n, digest in answers]
    state.tokens = tokens
    state.events = events
    buffer = bytearray(b"\xff" * 1024)
    state.pack_into(buffer)
    again = MeterState()
    again.unpack_from(buffer)
    assert bytes(buffer[1020:]) == b"\xff" * 4
    for name in [*fields, "pan", "link_root", "answers", "tokens", "events"]:
        assert getattr(again, name) == getattr(state, name), name
    record = bytearray(32)
    state.pack_energy(record, 17)
    third = MeterState()
    third.unpack_energy(record)
    assert third.energy_snapshot(record) == 17
    for name in ("credit_wh", "total_wh", "postpaid_wh", "remainder", "last_utc"):
        assert getattr(third, name) == getattr(state, name), name
