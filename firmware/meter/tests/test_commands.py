"""Commands take effect once, whatever is sent, lost, repeated or dated wrongly."""

from firmware.meter.tests.kit import NOW, Bench

# isort: split
from firmware.meter import load_switch
from shared.sts import result
from shared.wire import codes


def test_the_same_bytes_again_get_the_same_answer_and_no_effect():
    bench = Bench()
    token = bench.credit_token(100)
    first = bench.command("token", {"digits": token}, n=1, digest=b"first...")
    assert first["status"] == result.ACCEPT
    assert first["detail"] == {"tid": bench.tid, "credit_wh": 10_000, "credited_wh": 10_000}
    bench.boot()
    again = bench.command("token", {"digits": token}, n=1, digest=b"first...")
    assert again == first
    assert bench.meter.state.credit_wh == 10_000


def test_other_bytes_under_an_old_number_are_a_replay():
    bench = Bench()
    for n in range(1, 12):
        assert bench.command("load_switch", {"action": "connect"}, n=n)["status"] == codes.OK
    assert bench.command("ping", n=1)["status"] == codes.OK
    for n, digest in ((11, b"other..."), (3, b"00000003"), (1, b"00000001")):
        answer = bench.command("load_switch", {"action": "disconnect"}, n=n, digest=digest)
        assert answer["status"] == codes.REPLAYED
    assert bench.meter.state.open_reasons == codes.OPEN_NO_CREDIT
    assert bench.event_codes().count(codes.EVENT_COMMAND_REPLAYED) == 3


def test_the_last_eight_answers_are_kept():
    bench = Bench()
    answers = [bench.command("configure", {"low_credit_wh": n}, n=n) for n in range(1, 10)]
    bench.boot()
    for n in range(2, 10):
        assert bench.command("configure", {"low_credit_wh": n}, n=n) == answers[n - 1]
    assert bench.command("configure", {"low_credit_wh": 1}, n=1)["status"] == codes.REPLAYED
    assert bench.meter.state.low_credit_wh == 9


def test_an_expired_command_is_refused_for_good():
    bench = Bench(credit_wh=5000)
    action = {"action": "disconnect"}
    answer = bench.command("load_switch", action, n=5, exp=NOW - 1)
    assert answer["status"] == codes.EXPIRED
    assert bench.relay.closed
    bench.clock.seconds -= 100
    assert bench.command("load_switch", action, n=5, exp=NOW - 1) == answer
    assert bench.command("load_switch", action, n=6, exp=NOW)["status"] == codes.OK
    assert not bench.relay.closed
    assert bench.event_codes().count(codes.EVENT_COMMAND_EXPIRED) == 1


def test_without_a_trusted_clock_commands_name_the_power_up():
    bench = Bench(credit_wh=5000)
    bench.clock.quality = "restored"
    action = {"action": "disconnect"}
    assert bench.command("load_switch", action)["status"] == codes.CLOCK_MISMATCH
    answer = bench.command("load_switch", action, boot="nonce0")
    assert answer["status"] == codes.CLOCK_MISMATCH
    assert bench.relay.closed
    assert bench.command("token", {"digits": bench.credit_token(1)})["status"] == result.ACCEPT
    nonce = bench.meter.state_message()["boot_nonce"]
    assert bench.command("load_switch", action, boot=nonce)["status"] == codes.OK
    assert not bench.relay.closed


def test_the_clock_is_set_in_bounded_steps_once_it_is_trusted():
    bench = Bench()
    assert bench.command("set_clock", {"utc": NOW + 60})["detail"] == {"step_s": 60}
    assert bench.clock.seconds == NOW + 60
    assert bench.command("set_clock", {"utc": NOW + 9999})["status"] == codes.NOT_ALLOWED
    bench.clock.quality = "restored"
    answer = bench.command("set_clock", {"utc": NOW + 9999}, boot=bench.meter.boot_nonce)
    assert answer["status"] == codes.OK
    assert (bench.clock.seconds, bench.clock.quality) == (NOW + 9999, "set")


def test_disconnect_connect_and_arm():
    bench = Bench(credit_wh=5000)
    assert bench.command("load_switch", {"action": "arm"})["status"] == codes.NOT_ALLOWED
    bench.command("load_switch", {"action": "disconnect"})
    assert bench.meter.state_message()["open_reasons"] == ["remote"]
    bench.boot()
    assert not bench.relay.closed
    bench.press("#")
    assert not bench.relay.closed
    bench.command("load_switch", {"action": "arm"})
    assert bench.meter.state_message()["open_reasons"] == ["ready_for_reconnection"]
    bench.press("##")
    assert bench.relay.closed
    bench.command("load_switch", {"action": "disconnect"})
    bench.command("load_switch", {"action": "connect"})
    assert bench.relay.closed


def test_connect_does_not_give_credit():
    bench = Bench()
    bench.command("load_switch", {"action": "disconnect"})
    assert bench.meter.state_message()["open_reasons"] == ["no_credit", "remote"]
    bench.command("load_switch", {"action": "connect"})
    assert not bench.relay.closed


def test_settings_are_read_back():
    bench = Bench()
    settings = {
        "low_credit_wh": 7000,
        "low_credit_hysteresis_wh": 500,
        "reading_interval_s": 60,
        "language": "fr",
        "reclose": "key",
    }
    assert bench.command("configure", settings)["status"] == codes.OK
    bench.boot()
    detail = bench.command("read", {"what": "settings"})["detail"]
    assert {name: detail[name] for name in settings} == settings
    assert bench.rows()[1] == "Coupe: sans cred"


def test_reading_and_ping_change_nothing():
    bench = Bench(credit_wh=5000)
    bench.use(10)
    before = bytes(bench.flash.image)
    registers = bench.command("read", {"what": "registers"})
    assert registers["detail"] == {
        "1.8.0": 10,
        "credit_wh": 4990,
        "postpaid_wh": 0,
        "power_w": 0,
    }
    events = bench.command("read", {"what": "events"})["detail"]["messages"]
    assert events[0]["code"] == codes.EVENT_POWER_UP
    assert bench.command("ping", n=1)["status"] == codes.OK
    assert bench.flash.image == before


def test_a_payment_mode_that_begins_later_is_not_taken():
    bench = Bench()
    args = {"mode": "postpayment", "from": NOW + 3600}
    assert bench.command("payment_mode", args)["status"] == codes.NOT_ALLOWED
    args["from"] = NOW - 5
    assert bench.command("payment_mode", args)["status"] == codes.OK
    assert bench.relay.closed
    assert codes.EVENT_MODE_CHANGED in bench.event_codes()


def test_closing_the_account_tells_what_is_given_back_and_leaves_nothing():
    bench = Bench(credit_wh=9000)
    bench.use(10)
    first = bench.command("close_account", n=1)
    assert first["status"] == codes.OK
    assert first["detail"] == {
        "energy_wh": 10,
        "cleared_wh": 8990,
        "postpaid_wh": 0,
        "open_reasons": codes.OPEN_NO_CREDIT,
    }
    assert not bench.relay.closed
    bench.boot()
    assert bench.command("close_account", n=1) == first
    assert bench.command("close_account", n=2)["detail"]["cleared_wh"] == 0
    told = bench.meter.state_message()
    assert (told["account_status"], told["credit_wh"]) == ("closed", 0)
    assert (told["credit_status"], told["open_reasons"]) == ("out_of_credit", ["no_credit"])
    assert codes.EVENT_LOW_CREDIT not in bench.event_codes()  # nobody is left to warn


def test_what_was_used_on_credit_is_told_as_owed_when_the_account_is_closed():
    bench = Bench(credit_wh=5)
    bench.pulses += 30  # before the load switch could open
    bench.tick()
    assert bench.command("close_account")["detail"]["cleared_wh"] == -25
    assert bench.command("token", {"digits": bench.credit_token(1)})["detail"]["credit_wh"] == 100


def test_a_closed_account_takes_no_energy_in_postpayment_either():
    bench = Bench(credit_wh=5000)
    bench.command("payment_mode", {"mode": "postpayment"})
    bench.command("close_account")
    assert not bench.relay.closed
    bench.boot()
    assert not bench.relay.closed
    bench.command("payment_mode", {"mode": "postpayment"})  # somebody moves in
    assert bench.relay.closed
    assert bench.meter.state_message()["account_status"] == "active"


def test_new_credit_opens_a_closed_account():
    bench = Bench(credit_wh=5000)
    bench.command("close_account")
    bench.type_token(bench.credit_token(10))
    assert bench.relay.closed
    assert bench.meter.state_message()["account_status"] == "active"
    bench.command("close_account")
    bench.command("adjust_credit", {"amount_wh": -5})  # what the last one owes is no new credit
    assert bench.meter.state_message()["account_status"] == "closed"
    bench.command("adjust_credit", {"amount_wh": 6})
    assert bench.meter.state_message()["account_status"] == "active"
    assert bench.relay.closed


def test_credit_is_adjusted_both_ways_and_the_switch_follows():
    bench = Bench(credit_wh=5500)
    answer = bench.command("adjust_credit", {"amount_wh": -5600}, n=1)
    assert answer["detail"] == {
        "energy_wh": 0,
        "credit_wh": -100,
        "postpaid_wh": 0,
        "open_reasons": codes.OPEN_NO_CREDIT,
    }
    assert not bench.relay.closed
    bench.boot()
    assert bench.command("adjust_credit", {"amount_wh": -5600}, n=1) == answer
    assert bench.meter.state.credit_wh == -100
    assert bench.command("adjust_credit", {"amount_wh": 101}, n=2)["detail"]["credit_wh"] == 1
    assert bench.relay.closed
    for message in bench.meter.pending_messages((0, 0), 99):
        if message[3].get("code") == codes.EVENT_CREDIT_ADJUSTED:
            assert message[3]["detail"] == {"credit_wh": -100, "amount_wh": -5600}
            return
    raise AssertionError("the adjustment was not reported")


def test_credit_never_overflows_by_adjustment():
    bench = Bench(credit_wh=1_500_000_000)
    much = {"amount_wh": 1_000_000_000}
    assert bench.command("adjust_credit", much)["status"] == codes.NOT_ALLOWED
    assert bench.meter.state.credit_wh == 1_500_000_000
    taken = {"amount_wh": -1_000_000_000}
    for left in (500_000_000, -500_000_000, -1_500_000_000):
        assert bench.command("adjust_credit", taken)["detail"]["credit_wh"] == left
    assert bench.command("adjust_credit", taken)["status"] == codes.NOT_ALLOWED
    bench.boot()
    assert bench.meter.state.credit_wh == -1_500_000_000


def test_a_trip_is_reset_before_its_pause_is_over():
    bench = Bench(credit_wh=100_000, power_limit_w=3600)
    for _ in range(40):
        bench.use(2)
        bench.tick(1)
    assert not bench.relay.closed
    assert bench.command("reset_trip")["detail"] == {"open_reasons": 0}
    assert bench.relay.closed
    assert bench.command("reset_trip")["status"] == codes.OK


def test_the_mark_of_tampering_is_cleared():
    bench = Bench(credit_wh=5000)
    bench.meter.state.tampered = 1
    load_switch.add_reason(bench.meter.state, codes.OPEN_TAMPER)
    bench.tick()
    assert not bench.relay.closed
    assert bench.command("clear_tamper")["detail"] == {"open_reasons": 0}
    bench.boot()
    assert bench.relay.closed
    assert bench.meter.state.tampered == 0


def faces(bench, seconds):
    """Return the different rows shown at rest within so many seconds."""
    shown = set()
    for _ in range(seconds):
        bench.tick(1)
        shown.add(bench.rows())
    return shown


def test_a_message_is_shown_in_turn_until_it_is_over():
    bench = Bench(credit_wh=5500)
    rest = ("Credit  5.50 kWh", "Prepaid       On")
    assert faces(bench, 20) == {rest}
    text = {"text": "No supply Sunday8:00 to 12:00", "until": NOW + 100}
    assert bench.command("message", text)["status"] == codes.OK
    message = ("No supply Sunday", "8:00 to 12:00")
    assert faces(bench, 20) == {rest, message}
    bench.boot()
    assert faces(bench, 20) == {rest, message}
    bench.tick(60)
    assert faces(bench, 20) == {rest}
    bench.boot()
    assert bench.meter.state.message[0] == 0


def test_a_message_gives_way_to_typing_and_to_the_next_message():
    bench = Bench(credit_wh=5500)
    bench.command("message", {"text": "First", "until": NOW + 9999})
    bench.press("12")
    assert faces(bench, 20) == {("12", "")}
    bench.press("**")
    bench.command("message", {"text": "Second", "until": NOW + 9999})
    bench.tick(31)
    assert ("Second", "") in faces(bench, 20)
    bench.command("message", {"text": "", "until": NOW + 1})
    assert ("Second", "") not in faces(bench, 20)


def test_what_is_sent_has_the_agreed_form():
    from shared.wire import messages

    bench = Bench(credit_wh=5500, reading_interval_s=60)
    for _ in range(70):
        bench.use(10)
        bench.tick(1)
    bench.command("payment_mode", {"mode": "postpayment"})
    bench.command("token", {"digits": "12345678901234567890"})
    for revision in (1, 2):
        state = messages.envelope("state", bench.meter.state.drn)
        state.update(bench.meter.state_message())
        messages.check_state(state, bench.meter.state.drn)
        assert state["revision"] == revision
    count = 0
    after = (0, 0)
    for boot, seq, kind, fields in bench.meter.pending_messages((0, 0), 99):
        claims = messages.envelope(kind, bench.meter.state.drn)
        claims.update(fields)
        claims["after"] = list(after)
        messages.check_up(kind, claims, bench.meter.state.drn)
        after = (boot, seq)
        count += 1
    assert count == 6
    assert list(after) == bench.meter.state_message()["last"]


def test_an_event_before_the_clock_is_set_has_no_time():
    bench = Bench(credit_wh=9000)
    bench.clock.quality = "unset"
    bench.boot()  # restores the time of the last record, which is over
    assert bench.clock.quality == "restored"
    *_, power_up = bench.meter.pending_messages((0, 0), 99)
    assert (power_up[3]["code"], power_up[3]["time"]) == (codes.EVENT_POWER_UP, None)


def test_messages_stay_until_they_are_stored():
    bench = Bench(credit_wh=9000)
    bench.meter.report_event(codes.EVENT_COMMAND_FORGED)
    bench.boot()
    pending = list(bench.meter.pending_messages((0, 0), 99))
    assert [each[3]["code"] for each in pending] == [
        codes.EVENT_POWER_UP,
        codes.EVENT_COMMAND_FORGED,
        codes.EVENT_POWER_UP,
    ]
    boot, seq = pending[1][:2]
    bench.meter.messages_stored(boot, seq)
    bench.meter.messages_stored(0, 0)  # an older watermark changes nothing
    bench.command("configure", {"low_credit_wh": 1})  # kept with the next snapshot
    bench.boot()
    state = bench.meter.state
    assert (state.stored_boot, state.stored_seq) == (boot, seq)
    left = [each[3]["code"] for each in bench.meter.pending_messages((boot, seq), 99)]
    assert left == [codes.EVENT_POWER_UP, codes.EVENT_CONFIGURED, codes.EVENT_POWER_UP]
