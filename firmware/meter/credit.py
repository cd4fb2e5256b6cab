"""Energy used and credit left, in whole watt-hours; the rest of a pulse is carried, never lost."""

from firmware.meter.state import ACTIVE, CLOSED, HIGHEST_CREDIT_WH, POSTPAYMENT
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


def add(state, amount_wh):
    """Add to the credit register, or take from it; new credit opens a closed account again.

    Args:
        state: MeterState.
        amount_wh: what is added; below zero what is taken, and credit may end below zero.

    Returns:
        True; False, without a change, if the register cannot hold the sum.
    """
    credit_wh = state.credit_wh + amount_wh
    if abs(credit_wh) > HIGHEST_CREDIT_WH:
        return False
    state.credit_wh = credit_wh
    if amount_wh > 0:
        state.account_status = ACTIVE
    return True


def close_account(state):
    """Clear the credit; no energy flows until there is new credit or a payment mode is set.

    Returns:
        Wh cleared: what the consumer gets back, or below zero what they owe.
    """
    cleared_wh = state.credit_wh
    state.credit_wh = 0
    state.account_status = CLOSED
    return cleared_wh


def status(state):
    """Return where credit stands: "in_credit", "low_credit" or "out_of_credit"."""
    if state.credit_wh <= 0:
        return codes.OUT_OF_CREDIT
    return codes.LOW_CREDIT if state.low_credit else codes.IN_CREDIT


def update_warning(state):
    """Raise or end the low-credit warning, with hysteresis.

    It stands from the threshold down, and ends when credit is the hysteresis above it; in
    post-payment and with a closed account there is none.

    Returns:
        True if it was raised or ended.
    """
    low = 0
    if state.payment_mode != POSTPAYMENT and state.account_status != CLOSED:
        margin = state.low_credit_hysteresis_wh if state.low_credit else 0
        low = 1 if state.credit_wh <= state.low_credit_wh + margin else 0
        if state.low_credit and margin and state.credit_wh == state.low_credit_wh + margin:
            low = 0
    changed = low != state.low_credit
    state.low_credit = low
    return changed
