"""The whole meter without hardware: tokens, energy, warning, load switch, payment mode."""

from firmware.meter.tests import kit  # noqa: F401 - loads deep modules first, for 32 bits

# isort: split
from firmware.meter.tests.kit import NOW, Bench
from shared.sts import generation, result
from shared.wire import codes
from shared.wire.keypad_messages import (
    BEEP_ACCEPTED,
    BEEP_LOCKED,
    BEEP_REFUSED,
    BEEP_SWITCHED_OFF,
    BEEP_WARNING,
    LAMP_AMBER,
    LAMP_GREEN,
    LAMP_RED,
)


def test_a_new_meter_is_off_and_a_token_switches_it_on():
    bench = Bench()
    assert not bench.relay.closed
    assert bench.rows() == ("Credit  0.00 kWh", "Off: no credit")
    assert bench.meter.face().lamps == LAMP_RED
    assert bench.type_token(bench.credit_token(500)) == ("Accepted", "+50.00 kWh")
    assert bench.meter.face().buzzer[0] == BEEP_ACCEPTED
    assert bench.meter.face().lamps == LAMP_GREEN
    assert bench.relay.closed
    assert bench.meter.state.credit_wh == 50_000


def test_the_same_token_twice_counts_once_whatever_the_door():
    bench = Bench()
    token = bench.credit_token(500)
    assert bench.meter.enter_token(token, "keypad") == result.ACCEPT
    assert bench.type_token(token) == ("Already used", "")
    assert bench.meter.face().buzzer[0] == BEEP_REFUSED
    assert bench.command("token", {"digits": token})["status"] == result.USED_ERROR
    bench.boot()
    assert bench.meter.enter_token(token, "keypad") == result.USED_ERROR
    assert bench.meter.state.credit_wh == 50_000


def test_tokens_older_than_the_meter_are_refused():
    bench = Bench()
    old = bench.credit_token(10, tid=bench.tid - 10)
    assert bench.type_token(old) == ("Too old", "")
    assert bench.meter.state.credit_wh == 0


def test_energy_is_counted_and_survives_but_for_ten_watt_hours():
    bench = Bench(credit_wh=1000)
    bench.use(123)
    assert (bench.meter.state.credit_wh, bench.meter.state.total_wh) == (877, 123)
    bench.boot()
    assert (bench.meter.state.credit_wh, bench.meter.state.total_wh) == (880, 120)


def test_a_restarted_counter_counts_nothing():
    bench = Bench(credit_wh=1000)
    bench.use(20)
    bench.pulses = 5
    bench.tick()
    assert bench.meter.state.total_wh == 20
    bench.use(1)
    assert bench.meter.state.total_wh == 21


def test_at_zero_the_load_goes_off_and_the_next_token_brings_it_back():
    bench = Bench(credit_wh=30, low_credit_wh=0, low_credit_hysteresis_wh=0)
    assert bench.relay.closed
    bench.use(29)
    assert bench.relay.closed
    bench.use(1)
    assert not bench.relay.closed
    assert bench.meter.face().buzzer[0] == BEEP_SWITCHED_OFF
    bench.boot()
    assert not bench.relay.closed
    bench.meter.enter_token(bench.credit_token(1), "keypad")
    assert bench.relay.closed
    events = bench.event_codes()
    assert codes.EVENT_CREDIT_EXHAUSTED in events
    assert events[-3:] == [
        codes.EVENT_TOKEN_ACCEPTED,
        codes.EVENT_LOW_CREDIT_ENDED,
        codes.EVENT_SWITCH_CLOSED,
    ]


def test_the_warning_is_given_once_per_drop():
    bench = Bench(credit_wh=1010, low_credit_wh=1000, low_credit_hysteresis_wh=100)
    assert bench.meter.face().lamps == LAMP_GREEN
    bench.use(10)
    face = bench.meter.face()
    assert (face.lamps, face.buzzer[0]) == (LAMP_AMBER, BEEP_WARNING)
    assert bench.rows() == ("Credit  1.00 kWh", "Low credit    On")
    bench.boot()
    bench.use(50)
    assert bench.event_codes().count(codes.EVENT_LOW_CREDIT) == 1
    bench.meter.enter_token(bench.credit_token(1), "keypad")  # 1050 Wh: still within
    assert bench.meter.state.low_credit == 1
    bench.meter.enter_token(bench.credit_token(1), "keypad")
    assert bench.meter.state.low_credit == 0
    bench.use(200)
    assert bench.event_codes().count(codes.EVENT_LOW_CREDIT) == 2
    assert bench.event_codes().count(codes.EVENT_LOW_CREDIT_ENDED) == 1


def test_wrong_entries_lock_the_keypad_for_growing_times():
    bench = Bench()
    wrong = "12345678901234567890"
    assert bench.type_token(wrong) == ("Wrong number", "or other meter")
    bench.type_token(wrong)
    bench.type_token(wrong)
    assert bench.meter.face().buzzer[0] == BEEP_LOCKED
    token = bench.credit_token(10)
    assert bench.type_token(token) == ("Locked: wait", "10 s")
    bench.boot()  # pulling the plug does not help
    assert bench.type_token(token) == ("Locked: wait", "10 s")
    bench.tick(9)
    assert bench.type_token(token) == ("Locked: wait", "1 s")
    bench.tick(1)
    bench.type_token(wrong)
    assert bench.meter.locked_seconds() == 20
    assert bench.command("token", {"digits": token})["status"] == result.ACCEPT
    assert bench.meter.locked_seconds() == 0
    assert codes.EVENT_KEYPAD_LOCKED in bench.event_codes()


def test_used_and_old_tokens_do_not_lock():
    bench = Bench()
    token = bench.credit_token(10)
    for _ in range(9):
        bench.meter.enter_token(token, "keypad")
    assert bench.meter.locked_seconds() == 0


def test_a_meter_test_passes_a_locked_keypad():
    bench = Bench()
    for _ in range(3):
        bench.type_token("12345678901234567890")
    assert bench.type_token("56493153725450313471") == ("Load", "Off: no credit")
    assert bench.meter.locked_seconds() == 10


def test_wrong_remote_tokens_are_limited_by_themselves():
    bench = Bench()
    wrong = {"digits": "12345678901234567890"}
    answers = [bench.command("token", wrong)["status"] for _ in range(11)]
    assert answers == [result.CRC_ERROR] * 10 + [codes.BUSY]
    assert bench.meter.locked_seconds() == 0
    token = {"digits": bench.credit_token(10)}
    assert bench.command("token", token)["status"] == codes.BUSY
    bench.tick(31)
    assert bench.command("token", token)["status"] == result.ACCEPT


def test_an_extended_read_is_no_meter_test():
    bench = Bench(credit_wh=2500)
    token = generation.meter_test(subclass=2, control=0b101, mfr_code="00")
    assert bench.type_token(token) == ("Not for this", "kind of meter")
    assert bench.command("token", {"digits": token})["status"] == result.FUNCTION_ERROR


def test_management_tokens():
    bench = Bench(credit_wh=10_000)
    enter = bench.meter.enter_token
    assert enter(bench.management_token(0, 3000), "keypad") == result.ACCEPT
    assert bench.meter.state.power_limit_w == 3000
    assert enter(bench.management_token(1, 1), "keypad") == result.FUNCTION_ERROR
    assert enter(bench.management_token(2, 1), "keypad") == result.FUNCTION_ERROR
    assert bench.meter.state.credit_wh == 10_000
    clear = bench.management_token(1, 0)
    assert enter(clear, "keypad") == result.ACCEPT
    assert enter(clear, "keypad") == result.USED_ERROR
    assert bench.meter.state.credit_wh == 0
    assert not bench.relay.closed
    bench.meter.state.tampered = 1
    assert enter(bench.management_token(5), "keypad") == result.ACCEPT
    assert bench.meter.state.tampered == 0


def test_a_refused_function_does_not_use_its_token_up():
    bench = Bench(credit_wh=1_999_999_000)
    token = bench.credit_token(100)
    assert bench.type_token(token) == ("Credit is full", "Use some first")
    bench.meter.state.credit_wh = 0
    assert bench.meter.enter_token(token, "keypad") == result.ACCEPT
    water = bench.water_token()
    assert bench.meter.enter_token(water, "keypad") == result.FUNCTION_ERROR


def test_a_key_change_takes_two_tokens_and_survives_a_power_cut_between():
    bench = Bench(credit_wh=5000)
    first, second = bench.key_change_tokens()
    assert bench.type_token(second) == ("Accepted, key 2", "Enter the others")
    bench.boot()
    assert bench.type_token(first) == ("Accepted", "")
    assert bench.meter.state.decoder.krn == 2
    assert bench.type_token(first) == ("Wrong number", "or other meter")
    bench.key = bench.new_key
    bench.boot()
    assert bench.type_token(bench.credit_token(10)) == ("Accepted", "+1.00 kWh")
    assert bench.meter.state.credit_wh == 6000
    assert codes.EVENT_KEY_CHANGED in bench.event_codes()


def test_postpayment_uses_credit_first_and_stays_on_past_zero():
    bench = Bench(credit_wh=50, low_credit_wh=10)
    answer = bench.command("payment_mode", {"mode": "postpayment"})
    assert answer["status"] == codes.OK
    closing = {"energy_wh": 0, "credit_wh": 50, "postpaid_wh": 0, "open_reasons": 0}
    assert answer["detail"] == closing
    bench.use(80)
    assert bench.relay.closed
    assert bench.meter.face().lamps == LAMP_GREEN
    assert bench.rows() == ("Used    0.08 kWh", "Post-paid     On")
    state = bench.meter.state
    assert (state.credit_wh, state.postpaid_wh, state.total_wh) == (0, 30, 80)
    bench.boot()
    state = bench.meter.state
    assert (state.credit_wh, state.postpaid_wh, state.total_wh) == (0, 30, 80)
    answer = bench.command("payment_mode", {"mode": "prepayment"})
    assert answer["detail"]["postpaid_wh"] == 30
    assert answer["detail"]["open_reasons"] == codes.OPEN_NO_CREDIT
    assert not bench.relay.closed


def test_the_reclose_rule_may_ask_for_a_key():
    bench = Bench(reclose=1)
    bench.meter.enter_token(bench.credit_token(10), "keypad")
    assert not bench.relay.closed
    bench.tick(10)
    assert bench.rows()[1] == "Press # for on"
    bench.boot()
    assert not bench.relay.closed
    bench.press("#")
    assert bench.relay.closed
    bench.boot()
    assert bench.relay.closed


def test_too_much_power_opens_and_closes_by_itself():
    bench = Bench(credit_wh=100_000, power_limit_w=3600)
    for _ in range(40):  # 7.2 kW
        bench.use(2)
        bench.tick(1)
    assert bench.meter.state.open_reasons == codes.OPEN_OVER_POWER
    assert not bench.relay.closed
    assert bench.meter.power_w == 7200
    for _ in range(61):
        bench.tick(1)
    assert bench.relay.closed


def test_too_much_power_is_over_though_power_was_cut_in_the_pause():
    bench = Bench(credit_wh=100_000, power_limit_w=3600)
    for _ in range(40):
        bench.use(2)
        bench.tick(1)
    bench.boot()
    assert not bench.relay.closed
    for _ in range(62):
        bench.tick(1)
    assert bench.relay.closed


def test_readings_come_at_the_ends_of_intervals():
    bench = Bench(credit_wh=5000, reading_interval_s=60)
    for _ in range(130):
        bench.use(1)
        bench.tick(1)
    readings = [
        fields
        for _, _, kind, fields in bench.meter.pending_messages((0, 0), 99)
        if kind == "reading"
    ]
    assert [reading["end"] for reading in readings] == [NOW + 60, NOW + 120]
    assert readings[0]["registers"] == {"1.8.0": 60}
    assert readings[0]["power_w"] == 3600
    assert readings[1]["credit_wh"] == 5000 - 120


def test_a_stuck_load_switch_is_reported_once():
    bench = Bench(credit_wh=5)
    bench.relay.stuck = True
    bench.use(5)
    for _ in range(30):
        bench.tick(1)
    assert bench.event_codes().count(codes.EVENT_SWITCH_FAULT) == 1
    bench.relay.stuck = False
    bench.tick(1)
    assert not bench.relay.closed


def test_an_empty_journal_is_a_fault_not_a_new_meter():
    bench = Bench(credit_wh=5000)
    token = bench.credit_token(10)
    bench.flash.image[:] = b"\xff" * len(bench.flash.image)
    bench.boot()
    assert bench.meter.fault
    assert bench.rows() == ("Meter fault", "Call the utility")
    assert not bench.relay.closed
    assert bench.meter.enter_token(token, "keypad") == codes.STORAGE_FAULT
    assert bench.command("ping")["status"] == codes.STORAGE_FAULT
    bench.use(50)
    assert bench.type_token(token) == ("Meter fault", "Call the utility")


def test_flash_that_fails_never_credits_in_memory_only():
    bench = Bench(credit_wh=5000)
    bench.use(7)
    token = bench.credit_token(10)
    bench.flash.dead = bench.profile.dead = True
    assert bench.type_token(token) == ("Storage fault", "Call the utility")
    assert bench.command("token", {"digits": token})["status"] == codes.STORAGE_FAULT
    bench.tick()
    assert bench.meter.state.credit_wh == 4993
    for _ in range(100):
        bench.use(1)
        bench.tick(1)
    assert bench.meter.state.credit_wh == 4893  # goes on counting
    assert bench.event_codes().count(codes.EVENT_STORAGE_FAULT) == 0  # nowhere to keep it
    bench.flash.dead = bench.profile.dead = False
    bench.tick(11)
    bench.boot()
    assert bench.meter.state.credit_wh == 4893
    assert bench.meter.enter_token(token, "keypad") == result.ACCEPT


def test_a_worn_out_journal_is_reported_once_while_messages_still_work():
    bench = Bench(credit_wh=5000)
    bench.flash.dead = True
    for _ in range(100):
        bench.use(1)
        bench.tick(1)
    assert bench.event_codes().count(codes.EVENT_STORAGE_FAULT) == 1


def test_the_clock_is_restored_as_a_lower_bound():
    bench = Bench(credit_wh=5000)
    bench.clock.seconds += 1000
    bench.use(10)
    bench.clock.quality = "unset"
    bench.clock.seconds = 0
    bench.boot()
    assert (bench.clock.quality, bench.clock.seconds) == ("restored", NOW + 1000)
