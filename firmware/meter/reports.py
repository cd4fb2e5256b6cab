"""What the meter tells the head-end: its state, events and readings, as fields of messages."""

from firmware.meter import credit
from firmware.meter.queue import READING
from firmware.meter.state import POSTPAYMENT
from shared.wire import codes

TOTAL_IMPORT = "1.8.0"

# What the figures a, b and c of an event mean.
_DETAILS = {
    codes.EVENT_CLOCK_SET: ("step_s",),
    codes.EVENT_TOKEN_ACCEPTED: ("credit_wh", "credited_wh", "tid"),
    codes.EVENT_TOKEN_REFUSED: ("status", "remote", "tid"),
    codes.EVENT_KEYPAD_LOCKED: ("seconds", "wrong_entries"),
    codes.EVENT_LOW_CREDIT: ("credit_wh",),
    codes.EVENT_LOW_CREDIT_ENDED: ("credit_wh",),
    codes.EVENT_CREDIT_EXHAUSTED: ("credit_wh",),
    codes.EVENT_KEY_CHANGED: ("krn", "ti", "sgc"),
    codes.EVENT_CREDIT_ADJUSTED: ("credit_wh", "amount_wh"),
    codes.EVENT_ACCOUNT_CLOSED: ("cleared_wh", "postpaid_wh", "energy_wh"),
    codes.EVENT_SWITCH_OPENED: ("open_reasons",),
    codes.EVENT_MODE_CHANGED: ("credit_wh", "postpaid_wh", "energy_wh"),
    codes.EVENT_COMMAND_REPLAYED: ("n",),
    codes.EVENT_COMMAND_EXPIRED: ("n", "status"),
    codes.EVENT_READINGS_DISCARDED: ("count",),
}


def fields(message):
    """Return (boot, seq, kind, fields) of a message from the queue.

    Args:
        message: as `Queue.pending` yields it.
    """
    seq, boot, kind, high, code, time, a, b, c = message
    time = time or None
    if kind == READING:
        registers = {TOTAL_IMPORT: high << 32 | c}
        told = {"boot": boot, "seq": seq, "end": time, "registers": registers}
        told["credit_wh"] = a
        told["power_w"] = b
        return boot, seq, "reading", told
    told = {"boot": boot, "seq": seq, "code": code, "time": time}
    names = _DETAILS.get(code)
    if names:
        figures = (a, b, high << 32 | c)
        told["detail"] = {name: figures[index] for index, name in enumerate(names)}
    return boot, seq, "event", told


def payment_mode_name(state):
    """Return "prepayment" or "postpayment"."""
    return codes.POSTPAYMENT if state.payment_mode == POSTPAYMENT else codes.PREPAYMENT


def state_fields(meter, revision):
    """Return the fields of the message that tells how the meter stands.

    Args:
        meter: Meter.
        revision: number of this message in this boot.
    """
    state = meter.state
    return {
        "boot": state.boot,
        "revision": revision,
        "boot_nonce": meter.boot_nonce,
        "last": list(meter.last_message()),
        "last_n": state.last_n,
        "time": meter.clock.utc(),
        "clock": meter.clock.quality,
        "payment_mode": payment_mode_name(state),
        "account_status": codes.ACCOUNT_STATUSES[state.account_status],
        "credit_status": credit.status(state),
        "credit_wh": state.credit_wh,
        "low_credit_wh": state.low_credit_wh,
        "load_closed": meter.relay.is_closed(),
        "open_reasons": codes.open_reason_names(state.open_reasons),
        "energy_wh": state.total_wh,
        "power_w": meter.power_w,
        "sgc": "%06d" % state.decoder.sgc,
        "krn": state.decoder.krn,
        "ti": state.decoder.ti,
        "firmware": meter.VERSION,
    }
