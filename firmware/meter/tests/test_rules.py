"""The pure rules by themselves: credit, warning, load switch, lock-out, consumption."""

from firmware.meter.tests import kit  # noqa: F401 - loads deep modules first, for 32 bits

# isort: split
from firmware.meter import credit, load_switch, token_rules
from firmware.meter.consumption import Consumption
from firmware.meter.state import POSTPAYMENT, RECLOSE_KEY, MeterState
from shared.wire.codes import OPEN_NO_CREDIT, OPEN_OVER_POWER, OPEN_READY, OPEN_REMOTE


def test_no_part_of_a_pulse_is_lost_or_made_up():
    for impulses_per_kwh in (1000, 3200, 1600, 750, 65535):
        state = MeterState()
        state.credit_wh = 1_000_000
        pulses = 0
        for new in (1, 2, 3, 500, 7, 0, 65535, 31):
            credit.use_pulses(state, new, impulses_per_kwh)
            pulses += new
            assert state.total_wh == pulses * 1000 // impulses_per_kwh
            assert state.credit_wh == 1_000_000 - state.total_wh


def test_prepayment_goes_below_zero_by_what_was_used():
    state = MeterState()
    state.credit_wh = 3
    assert credit.use_pulses(state, 5, 1000) == 5
    assert (state.credit_wh, state.postpaid_wh) == (-2, 0)


def test_postpayment_never_touches_a_debt():
    state = MeterState()
    state.payment_mode = POSTPAYMENT
    state.credit_wh = -2
    credit.use_pulses(state, 5, 1000)
    assert (state.credit_wh, state.postpaid_wh) == (-2, 5)


def test_credit_saturates_and_does_not_wrap():
    state = MeterState()
    state.credit_wh = -1_999_999_999
    credit.use_pulses(state, 1000, 1000)
    assert state.credit_wh == -2_000_000_000
    state.credit_wh = 1_999_999_900
    assert not credit.add(state, 101)
    assert state.credit_wh == 1_999_999_900
    assert credit.add(state, 100)
    state.credit_wh = -1_500_000_000
    assert not credit.add(state, -1_000_000_000)
    assert (state.credit_wh, credit.add(state, -500_000_000)) == (-1_500_000_000, True)


def test_the_warning_has_hysteresis():
    state = MeterState()
    state.low_credit_wh, state.low_credit_hysteresis_wh = 1000, 100
    moves = []
    for credit_wh in (1001, 1000, 1050, 1099, 1100, 1001, 1000):
        state.credit_wh = credit_wh
        moves.append((credit.update_warning(state), state.low_credit))
    assert moves == [
        (False, 0),
        (True, 1),
        (False, 1),
        (False, 1),
        (True, 0),
        (False, 0),
        (True, 1),
    ]
    state.payment_mode = POSTPAYMENT
    assert credit.update_warning(state)
    assert state.low_credit == 0


def test_the_load_is_on_only_without_any_reason():
    state = MeterState()
    load_switch.update_credit_reason(state)
    assert load_switch.act(state, "disconnect")
    state.credit_wh = 10
    load_switch.update_credit_reason(state)
    assert state.open_reasons == OPEN_REMOTE
    assert load_switch.act(state, "connect")
    assert state.open_reasons == 0
    assert not load_switch.act(state, "arm")


def test_arm_waits_for_other_reasons_too():
    state = MeterState()
    state.open_reasons = OPEN_REMOTE | OPEN_NO_CREDIT
    assert load_switch.act(state, "arm")
    assert state.open_reasons == OPEN_NO_CREDIT
    assert not load_switch.press_key(state)


def test_a_new_reason_ends_the_waiting_for_a_key():
    state = MeterState()
    state.reclose = RECLOSE_KEY
    state.open_reasons = OPEN_NO_CREDIT
    load_switch.remove_reason(state, OPEN_NO_CREDIT)
    assert state.open_reasons == OPEN_READY
    load_switch.add_reason(state, OPEN_OVER_POWER)
    assert state.open_reasons == OPEN_OVER_POWER
    assert not load_switch.press_key(state)
    load_switch.remove_reason(state, OPEN_NO_CREDIT)
    assert state.open_reasons == OPEN_OVER_POWER


def test_locks_grow_to_a_limit():
    times = [token_rules.lock_seconds(wrong) for wrong in range(14)]
    assert times == [0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 1280, 1280, 1280, 1280]


def test_remote_chances_come_back_one_by_one():
    limit = token_rules.RemoteLimit()
    for _ in range(10):
        assert limit.is_open(0)
        limit.count_wrong()
    assert not limit.is_open(299)
    assert limit.is_open(300)
    limit.count_wrong()
    assert not limit.is_open(300)
    assert limit.is_open(100_000)
    for _ in range(10):
        limit.count_wrong()
    assert not limit.is_open(100_001)


def test_power_of_a_small_load_takes_a_minute_of_a_big_one_ten_seconds():
    for wh_a_second, seconds in ((0, 60), (2, 10)):
        consumption, state = Consumption(), MeterState()
        for second in range(seconds):
            consumption.advance(state, second)
            assert consumption.power_w == 0
            consumption.count(wh_a_second)
        consumption.advance(state, seconds)
        assert consumption.power_w == wh_a_second * 3600


def test_a_calendar_set_back_begins_anew():
    consumption, state = Consumption(), MeterState()
    assert consumption.advance(state, 899) is None
    assert consumption.advance(state, 900) == 900
    assert consumption.advance(state, 100) is None
    assert consumption.advance(state, 899) is None
    assert consumption.advance(state, 2000) == 1800


def test_short_peaks_are_tolerated():
    consumption, state = Consumption(), MeterState()
    state.power_limit_w = 1100
    for second in range(0, 200, 10):
        consumption.advance(state, second)
        consumption.count(10 if second % 60 < 20 else 1)
    assert state.open_reasons == 0
