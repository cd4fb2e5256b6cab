"""Energy used and credit left, in whole watt-hours; the rest of a pulse is carried, never lost."""

from firmware.meter.state import HIGHEST_CREDIT_WH, POSTPAYMENT
from shared.wire import codes


def use_pulses(state, pulses, impulses_per_kwh):
    """Count pulses of the energy source.

    In prepayment credit goes down, below zero by what is used until the load switch has opened.
    In post-payment credit goes down to zero and what is used past it is counted for billing.

    Args:
        state: MeterState; its registers change.
        pulses: new pulses, >= 0.
        impulses_per_kwh: the meter's constant, 1..65535.

    Returns:
        Wh counted; 0 while the pulses do not yet make one.
    """
    fraction = state.remainder + pulses * 1000
    used_wh = fraction // impulses_per_kwh
    state.remainder = fraction - used_wh * impulses_per_kwh
    if not used_wh:
        return 0
    state.total_wh += used_wh
    if state.payment_mode == POSTPAYMENT:
        from_credit = min(used_wh, max(state.credit_wh, 0))
        state.postpaid_wh += used_wh - from_credit
        state.credit_wh -= from_credit
    else:
        state.credit_wh = max(state.credit_wh - used_wh, -HIGHEST_CREDIT_WH)
    return used_wh


def fits(state, credited_wh):
    """Return True if the credit register can take so many Wh more."""
    return state.credit_wh + credited_wh <= HIGHEST_CREDIT_WH


def status(state):
    """Return where credit stands: "in_credit", "low_credit" or "out_of_credit"."""
    if state.credit_wh <= 0:
        return codes.OUT_OF_CREDIT
    return codes.LOW_CREDIT if state.low_credit else codes.IN_CREDIT


def update_warning(state):
    """Raise or end the low-credit warning, with hysteresis.

    It stands from the threshold down, and ends when credit is the hysteresis above it; in
    post-payment there is none.

    Returns:
        True if it was raised or ended.
    """
    low = 0
    if state.payment_mode != POSTPAYMENT:
        margin = state.low_credit_hysteresis_wh if state.low_credit else 0
        low = 1 if state.credit_wh <= state.low_credit_wh + margin else 0
        if state.low_credit and margin and state.credit_wh == state.low_credit_wh + margin:
            low = 0
    changed = low != state.low_credit
    state.low_credit = low
    return changed
