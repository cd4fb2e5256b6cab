"""Power fails at each byte that the meter writes or erases: nothing is lost, nothing doubled.

Both partitions are on one power supply: the journal and the queue of messages.
"""

import sys

from firmware.meter.tests.flash import PowerCut
from firmware.meter.tests.kit import Bench
from shared.sts import result
from shared.wire import codes

_WHOLE = sys.implementation.name == "cpython"
_CUTS_ON_MICROPYTHON = 20


def sweep(bench, operation, check, every=1):
    """Cut power at each byte of an operation, let it come back, and check.

    Args:
        bench: Bench, as it stands before.
        operation: function(bench), called from the same state each time.
        check: function(bench, done), after power came back; done is what the operation returned,
            None if power failed before it did.
        every: on CPython, try each byte (1) or some; on MicroPython a dozen of all.

    Returns:
        Bytes that the operation wrote and erased.
    """
    images = bytes(bench.flash.image), bytes(bench.profile.image)

    def restored(cut):
        bench.flash.image[:], bench.profile.image[:] = images
        bench.power.cut_after = None
        bench.relay.closed = True
        bench.boot()
        bench.power.cut_after = cut

    restored(None)
    touched = bench.power.touched
    operation(bench)
    touched = bench.power.touched - touched
    for cut in range(0, touched, every if _WHOLE else 1 + touched // _CUTS_ON_MICROPYTHON):
        restored(cut)
        done = None
        try:
            done = operation(bench)
            raise AssertionError("power was not cut")
        except PowerCut:
            pass
        bench.power.cut_after = None
        bench.boot()
        check(bench, done)
    return touched


def aged(bench, snapshots, energy_records=0):
    """Let the rings of a new bench come round."""
    for n in range(snapshots):
        bench.command("configure", {"low_credit_wh": n})
    bench.use(10 * energy_records)
    return bench


def token_sweep(bench, enter, every):
    token = bench.credit_token(100)
    state = bench.meter.state
    before, total = state.credit_wh, state.total_wh

    def check(bench, done):
        state = bench.meter.state
        assert state.total_wh == total
        taken = state.credit_wh == before + 10_000
        assert taken or state.credit_wh == before
        # The event is sent once, and only for what was credited.
        assert bench.event_codes().count(codes.EVENT_TOKEN_ACCEPTED) == (1 if taken else 0)
        code = bench.meter.enter_token(token, "keypad")
        assert code == (result.USED_ERROR if taken else result.ACCEPT)
        assert bench.meter.state.credit_wh == before + 10_000
        bench.boot()
        assert bench.meter.state.credit_wh == before + 10_000

    return sweep(bench, lambda bench: enter(bench, token), check, every)


def typed(bench, token):
    return bench.meter.enter_token(token, "keypad")


def sent(bench, token):
    return bench.command("token", {"digits": token}, n=999)["status"]


def test_cuts_while_a_token_is_typed():
    assert token_sweep(Bench(credit_wh=9000), typed, 1) == 1024 + 32


def test_cuts_while_a_token_brings_the_load_back():
    # Accepted, warning ended, switch closed: three messages besides the snapshot.
    assert token_sweep(Bench(), typed, 3) == 1024 + 3 * 32


def test_cuts_while_a_token_needs_an_erase():
    bench = aged(Bench(credit_wh=9000), 33)
    assert token_sweep(bench, typed, 29) == 1024 + 4096 + 32


def test_cuts_while_a_token_comes_from_the_head_end():
    assert token_sweep(Bench(credit_wh=9000), sent, 2) == 1024 + 32


def test_cuts_while_energy_is_recorded():
    for bench, written in (
        (aged(Bench(credit_wh=9000), 0, 7), 32),
        (aged(Bench(credit_wh=90000), 0, 1024), 32 + 4096),
    ):
        used = bench.meter.state.total_wh

        def check(bench, done, used=used):
            state = bench.meter.state
            assert state.total_wh in (used, used + 10)
            assert state.credit_wh + state.total_wh == bench.given

        bench.given = bench.meter.state.credit_wh + used
        assert sweep(bench, lambda bench: bench.use(10), check, written // 800 or 1) == written


def test_cuts_while_credit_runs_out():
    bench = Bench(credit_wh=9, low_credit_wh=1)

    def check(bench, done):
        assert bench.meter.state.credit_wh in (0, 9)
        assert bench.relay.closed == (bench.meter.state.credit_wh == 9)
        bench.use(9)
        assert not bench.relay.closed
        assert bench.event_codes().count(codes.EVENT_CREDIT_EXHAUSTED) == 1

    def use_up(bench):
        bench.pulses += 9
        bench.tick()

    assert sweep(bench, use_up, check, 7) == 1024 + 3 * 32


def test_cuts_while_a_wrong_entry_is_counted():
    bench = Bench()
    for _ in range(3):
        bench.type_token("1" * 20)

    def check(bench, done):
        # The answer is only shown once the count is stored.
        assert done is None
        assert bench.meter.state.wrong_entries in (3, 4)
        assert bench.meter.locked_seconds() in (10, 20)

    def enter(bench):
        bench.tick(11)
        return bench.type_token("1" * 20)

    sweep(bench, enter, check, 9)


def test_cuts_while_a_command_takes_effect():
    bench = Bench(credit_wh=9000)

    def switch(bench):
        return bench.command("payment_mode", {"mode": "postpayment"}, n=7)

    def check(bench, done):
        first = bench.command("payment_mode", {"mode": "postpayment"}, n=7)
        assert first["status"] == codes.OK
        assert bench.command("payment_mode", {"mode": "postpayment"}, n=7) == first
        assert bench.event_codes().count(codes.EVENT_MODE_CHANGED) == 1
        assert bench.meter.state_message()["payment_mode"] == "postpayment"

    sweep(bench, switch, check, 3)


def test_cuts_while_an_account_is_closed_give_its_credit_back_once():
    bench = Bench(credit_wh=9000)
    bench.use(20)

    def close(bench):
        return bench.command("close_account", n=7)

    def check(bench, done):
        cleared = done["detail"]["cleared_wh"] if done else None
        assert bench.meter.state.credit_wh in ((0,) if done else (0, 8980))
        answer = bench.command("close_account", n=7)  # the same bytes, sent again
        assert answer["detail"] == {
            "energy_wh": 20,
            "cleared_wh": 8980,
            "postpaid_wh": 0,
            "open_reasons": codes.OPEN_NO_CREDIT,
        }
        assert cleared in (None, 8980)
        assert bench.meter.state.credit_wh == 0
        assert not bench.relay.closed
        assert bench.event_codes().count(codes.EVENT_ACCOUNT_CLOSED) == 1

    assert sweep(bench, close, check, 5) == 1024 + 3 * 32


def test_cuts_while_credit_is_adjusted_change_it_once():
    for amount_wh in (2500, -9500):
        bench = Bench(credit_wh=9000)

        def adjust(bench, amount_wh=amount_wh):
            return bench.command("adjust_credit", {"amount_wh": amount_wh}, n=7)

        def check(bench, done, amount_wh=amount_wh, adjust=adjust):
            assert bench.meter.state.credit_wh in (9000, 9000 + amount_wh)
            assert adjust(bench)["detail"]["credit_wh"] == 9000 + amount_wh
            assert adjust(bench)["detail"]["credit_wh"] == 9000 + amount_wh
            assert bench.meter.state.credit_wh == 9000 + amount_wh
            assert bench.relay.closed == (amount_wh > 0)
            assert bench.event_codes().count(codes.EVENT_CREDIT_ADJUSTED) == 1

        sweep(bench, adjust, check, 11)


def test_cuts_while_a_key_change_is_completed():
    bench = Bench(credit_wh=9000)
    first, second = bench.key_change_tokens()
    bench.meter.enter_token(first, "keypad")
    new = bench.new_key

    def check(bench, done):
        key = bench.meter.state.decoder
        changed = key.decoder_key == new
        assert key.krn == (2 if changed else 1)
        code = bench.meter.enter_token(second, "keypad")
        assert code == (result.CRC_ERROR if changed else result.ACCEPT)
        assert bench.meter.state.decoder.decoder_key == new

    sweep(bench, lambda bench: bench.meter.enter_token(second, "keypad"), check, 3)


def test_cuts_while_the_meter_starts():
    bench = aged(Bench(credit_wh=9000), 2)

    def check(bench, done):
        assert bench.meter.state.credit_wh == 9000
        assert not bench.meter.fault
        numbers = [(boot, seq) for boot, seq, _, _ in bench.meter.pending_messages((0, 0), 999)]
        assert numbers == sorted(set(numbers))

    assert sweep(bench, lambda bench: bench.boot(), check, 11) == 1024 + 32


def test_cuts_while_the_queue_makes_room():
    bench = Bench(credit_wh=9000)
    while bench.meter.prepare_storage():
        pass
    while bench.meter.last_message()[1] % 128 != 126:
        bench.meter.report_event(codes.EVENT_KEYPAD_LOST)
    sent = len(bench.event_codes())

    def report(bench):
        for _ in range(3):
            bench.meter.report_event(codes.EVENT_KEYPAD_BACK)

    def check(bench, done):
        assert sent <= len(bench.event_codes()) <= sent + 5
        assert bench.meter.state.credit_wh == 9000

    sweep(bench, report, check, 5)
