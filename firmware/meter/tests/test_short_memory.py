"""Memory that runs out at any place: nothing is lost, doubled or half done."""

from firmware.meter.tests import kit
from firmware.meter.tests.link_bench import Bench
from firmware.meter.tests.mqtt_peer import run
from shared.sts import result
from shared.wire import codes

TIMES = (1, 2)


class Short:
    """Stands in for a method: raises MemoryError instead of working, so many times."""

    def __init__(self, owner, name, times, after=False):
        self._work = getattr(owner, name)
        self._after = after
        self.left = times
        setattr(owner, name, self)

    def __call__(self, *arguments):
        if self.left and not self._after:
            self.left -= 1
            raise MemoryError
        done = self._work(*arguments)
        if self.left:
            self.left -= 1
            raise MemoryError
        return done


def places(meter):
    """Yield (owner, name of a method) where memory may run out while a token is taken."""
    recorder = meter._recorder
    yield meter._door, "judge"
    yield meter, "_apply_rules"
    yield recorder, "save"
    yield recorder._journal, "save"
    yield recorder.messages, "append"
    yield meter, "_drive_relay"


def test_a_token_is_credited_once_wherever_memory_runs_out():
    for place in range(6):
        bench = kit.Bench()
        owner, name = list(places(bench.meter))[place]
        short = Short(owner, name, 1, after=name == "judge")
        code = bench.meter.enter_token(bench.credit_token(100), "keypad")
        assert not short.left
        assert code == result.ACCEPT, name
        assert bench.meter.state.credit_wh == 10_000, name
        bench.tick()
        bench.boot()
        assert bench.meter.state.credit_wh == 10_000, name


def test_what_is_stored_is_said_to_be_though_memory_runs_out_afterwards():
    for name in ("typed", "remote", "command"):
        bench = kit.Bench()
        short = Short(bench.meter._recorder._journal, "save", 1, after=True)
        if name == "typed":
            rows = bench.type_token(bench.credit_token(100))
            assert rows == ("Accepted", "+10.00 kWh")
        elif name == "remote":
            answer = bench.command("token", {"digits": bench.credit_token(100)})
            assert answer["status"] == result.ACCEPT
        else:
            answer = bench.command("adjust_credit", {"amount_wh": 10_000})
            assert answer["detail"]["credit_wh"] == 10_000
        assert not short.left
        assert bench.meter.state.credit_wh == 10_000
        bench.tick()
        assert bench.relay.closed
        told = bench.event_codes()
        assert told[4:] == [
            codes.EVENT_CREDIT_ADJUSTED if name == "command" else codes.EVENT_TOKEN_ACCEPTED,
            codes.EVENT_LOW_CREDIT_ENDED,
            codes.EVENT_SWITCH_CLOSED,
        ]
        bench.boot()
        assert bench.event_codes()[:-1] == told
        assert bench.meter.state.credit_wh == 10_000


def test_a_token_for_which_there_is_no_memory_changes_nothing():
    bench = kit.Bench()
    digits = bench.credit_token(100)
    short = Short(bench.meter._door, "judge", 2, after=True)
    try:
        bench.meter.enter_token(digits, "keypad")
        raise AssertionError("it was taken")
    except MemoryError:
        pass
    assert not short.left
    assert bench.meter.state.credit_wh == 0
    assert bench.meter.enter_token(digits, "keypad") == result.ACCEPT
    assert bench.meter.state.credit_wh == 10_000


def test_a_half_done_change_is_undone_before_anything_else():
    bench = kit.Bench()
    digits = bench.credit_token(100)
    Short(bench.meter._door, "judge", 1, after=True)
    undo = Short(bench.meter, "_load", 1)
    try:
        bench.meter.enter_token(digits, "keypad")
        raise AssertionError("it was taken")
    except MemoryError:
        assert not undo.left
    bench.tick()
    assert bench.meter.state.credit_wh == 0
    assert bench.meter.enter_token(digits, "keypad") == result.ACCEPT


def test_events_the_queue_has_no_memory_for_are_queued_later():
    bench = kit.Bench()
    told = len(bench.event_codes())
    Short(bench.meter._recorder.messages, "append", 1)
    bench.meter.report_event(30)
    bench.meter.report_event(31)
    bench.tick()
    assert bench.event_codes()[told:] == [30, 31]


def test_reports_go_out_and_commands_are_answered_though_memory_runs_out():
    async def story(times):
        bench = Bench()
        for name, short in (("publish", times), ("send", 1)):
            setattr(bench.client, name, _short_at_first(getattr(bench.client, name), short))
        bench.add_events(3)
        await bench.connect()
        for _ in range(8):
            await bench.go_round(1)
        events = bench.client.of_kind("event")
        numbers = sorted({(each["boot"], each["seq"]) for each in events})
        assert numbers[-1] == bench.meter.last_message()
        assert len(numbers) >= 3
        assert bench.client.of_kind("state")
        Short(bench.meter._door, "judge", 1, after=True)
        kept, acks = await bench.down(bench.claims("token", {"digits": bench.credit_token(100)}))
        assert kept
        assert acks[-1]["status"] == result.ACCEPT
        assert bench.meter.state.credit_wh == 10_000
        await bench.stop()

    for times in TIMES:
        run(story(times))


def _short_at_first(work, times):
    left = [times]

    async def short(*arguments):
        if left[0]:
            left[0] -= 1
            raise MemoryError
        return await work(*arguments)

    return short
