"""Signed commands of the head-end: who may pass, what each does, and the answer that is kept."""

from firmware.meter import credit, load_switch, reports
from firmware.meter.state import ACTIVE, POSTPAYMENT, PREPAYMENT, RECLOSE_AUTOMATIC, RECLOSE_KEY
from shared.sts import result
from shared.wire import codes, commands

LANGUAGES = ("en", "fr")
TRUSTED_CLOCKS = ("set", "simulated")
_LONGEST_STEP_S = 3600
_EVENTS_IN_PAGE = 8

# Commands that change something, by the number under which their answer is kept, and what the
# four figures of the answer mean.
_KEPT = (
    commands.TOKEN,
    commands.PAYMENT_MODE,
    commands.LOAD_SWITCH,
    commands.CONFIGURE,
    commands.SET_CLOCK,
    commands.CLOSE_ACCOUNT,
    commands.ADJUST_CREDIT,
    commands.CLEAR_TAMPER,
    commands.RESET_TRIP,
    commands.MESSAGE,
)
_REGISTERS = ("energy_wh", "credit_wh", "postpaid_wh", "open_reasons")
_REASONS = ("open_reasons",)
_DETAILS = (
    ("tid", "credit_wh", "credited_wh"),
    _REGISTERS,
    _REASONS,
    (),
    ("step_s",),
    ("energy_wh", "cleared_wh", "postpaid_wh", "open_reasons"),
    _REGISTERS,
    _REASONS,
    _REASONS,
    (),
)
NOTHING = (0, 0, 0, 0)


def answer(n, status, detail=None):
    """Return the answer to a command, stage "done"."""
    return {"n": n, "stage": "done", "status": status, "detail": detail or {}}


def kept_answer(state, n, digest):
    """Return the first answer to these very bytes if it is among the last eight, else None."""
    for kept in state.answers:
        if kept[0] == n and kept[1] == digest:
            return _from_kept(kept)
    return None


def keep_answer(state, claims, digest, status, figures):
    """Remember an answer with its command number in the state; return it.

    Args:
        state: MeterState.
        claims: of the command.
        digest: 8 bytes of the hash of its bytes.
        status: status code.
        figures: four integers (total, a, b, c), as `_DETAILS` names them.
    """
    kept = (claims["n"], digest, _KEPT.index(claims["cmd"]), status) + tuple(figures)
    state.remember_answer(kept)
    return _from_kept(kept)


def _named(names, figures):
    return {name: figures[index] for index, name in enumerate(names)}


def _from_kept(kept):
    n, _, command, status = kept[:4]
    told = status == codes.OK or status == result.ACCEPT
    return answer(n, status, _named(_DETAILS[command], kept[4:]) if told else None)


def why_refused(claims, clock, boot_nonce):
    """Return the status with which a new command is refused by its dates, or OK.

    A token passes whatever the clock says: it never expires, and its identifier counts once.
    While the clock is not trusted other commands must name this power-up.

    Args:
        claims: of the command.
        clock: clock port.
        boot_nonce: of this power-up.
    """
    if claims["cmd"] == commands.TOKEN:
        return codes.OK
    boot = claims.get("boot")
    if boot is not None and boot != boot_nonce:
        return codes.CLOCK_MISMATCH
    if clock.quality not in TRUSTED_CLOCKS:
        return codes.OK if boot is not None else codes.CLOCK_MISMATCH
    if "exp" in claims and claims["exp"] < clock.utc():
        return codes.EXPIRED
    return codes.OK


def carry_out(meter, claims, digest):
    """Carry out a command, or refuse it, and return its answer.

    Args:
        meter: Meter, which keeps effect and answer in one record.
        claims: verified, and of the right form.
        digest: 8 bytes of the hash of its bytes; the same again get the first answer.
    """
    n = claims["n"]
    first = kept_answer(meter.state, n, digest)
    if first:
        return first
    status = why_refused(claims, meter.clock, meter.boot_nonce)
    if claims["cmd"] in commands.HARMLESS:
        return answer(n, status) if status else look(meter, claims)
    if n <= meter.state.last_n:
        meter.report_event(codes.EVENT_COMMAND_REPLAYED, n)
        return answer(n, codes.REPLAYED)
    if claims["cmd"] == commands.TOKEN:
        return meter.take_remote_token(claims, digest)
    figures = NOTHING
    if status:
        meter.note(codes.EVENT_COMMAND_EXPIRED, n, status)
    else:
        status, figures = execute(meter, claims)
    return meter.keep(claims, digest, status, figures)


def execute(meter, claims):
    """Carry out a command other than `token`, `read` and `ping` by changing the state.

    Args:
        meter: Meter; its state changes, nothing is journaled yet.
        claims: whose form `check_command` found right.

    Returns:
        tuple: (status, four figures of the answer).
    """
    return _ACTIONS[claims["cmd"]](meter, meter.state, claims["args"])


def look(meter, claims):
    """Return the answer to `read` or `ping`, which change nothing.

    Args:
        meter: Meter.
        claims: of the command.
    """
    n = claims["n"]
    if claims["cmd"] == commands.PING:
        return answer(n, codes.OK)
    state = meter.state
    what = claims["args"]["what"]
    if what == "registers":
        detail = {
            reports.TOTAL_IMPORT: state.total_wh,
            "credit_wh": state.credit_wh,
            "postpaid_wh": state.postpaid_wh,
            "power_w": meter.power_w,
        }
    elif what == "events":
        skip = claims["args"].get("page", 0) * _EVENTS_IN_PAGE
        newest = list(meter.pending_messages((0, 0), skip + _EVENTS_IN_PAGE))[skip:]
        detail = {"messages": [each[3] for each in newest]}
    else:
        detail = {
            "low_credit_wh": state.low_credit_wh,
            "low_credit_hysteresis_wh": state.low_credit_hysteresis_wh,
            "reading_interval_s": state.reading_interval_s,
            "power_limit_w": state.power_limit_w,
            "language": LANGUAGES[state.language],
            "reclose": "key" if state.reclose == RECLOSE_KEY else "automatic",
        }
    return answer(n, codes.OK, detail)


def _payment_mode(meter, state, arguments):
    at = arguments.get("from")
    if at and at > (meter.clock.utc() or 0):
        return codes.NOT_ALLOWED, NOTHING
    mode = POSTPAYMENT if arguments["mode"] == codes.POSTPAYMENT else PREPAYMENT
    if mode != state.payment_mode:
        state.payment_mode = mode
        meter.note(codes.EVENT_MODE_CHANGED, state.credit_wh, state.postpaid_wh, state.total_wh)
    state.account_status = ACTIVE
    return codes.OK, _registers(state, state.credit_wh)


def _registers(state, credit_wh):
    load_switch.update_credit_reason(state)
    return state.total_wh, credit_wh, state.postpaid_wh, state.open_reasons


def _close_account(meter, state, arguments):
    cleared_wh = credit.close_account(state)
    meter.note(codes.EVENT_ACCOUNT_CLOSED, cleared_wh, state.postpaid_wh, state.total_wh)
    return codes.OK, _registers(state, cleared_wh)


def _adjust_credit(meter, state, arguments):
    amount_wh = arguments["amount_wh"]
    if not credit.add(state, amount_wh):
        return codes.NOT_ALLOWED, NOTHING
    meter.note(codes.EVENT_CREDIT_ADJUSTED, state.credit_wh, amount_wh)
    return codes.OK, _registers(state, state.credit_wh)


def _load_switch(meter, state, arguments):
    if not load_switch.act(state, arguments["action"]):
        return codes.NOT_ALLOWED, NOTHING
    return _reasons(state)


def _reasons(state):
    return codes.OK, (state.open_reasons, 0, 0, 0)


def _clear_tamper(meter, state, arguments):
    load_switch.clear_tamper(state)
    return _reasons(state)


def _reset_trip(meter, state, arguments):
    load_switch.remove_reason(state, codes.OPEN_OVER_POWER)
    return _reasons(state)


def _message(meter, state, arguments):
    state.message = arguments["until"], arguments["text"].encode()
    return codes.OK, NOTHING


def _configure(meter, state, arguments):
    for name, value in arguments.items():
        if name == "language":
            value = LANGUAGES.index(value)
        elif name == "reclose":
            value = RECLOSE_KEY if value == "key" else RECLOSE_AUTOMATIC
        setattr(state, name, value)
    meter.note(codes.EVENT_CONFIGURED)
    return codes.OK, NOTHING


def _set_clock(meter, state, arguments):
    utc = arguments["utc"]
    before = meter.clock.utc()
    step = utc - before if before is not None else 0
    if meter.clock.quality in TRUSTED_CLOCKS and abs(step) > _LONGEST_STEP_S:
        return codes.NOT_ALLOWED, NOTHING
    meter.set_clock(utc)
    step = max(min(step, 0x7FFFFFFF), -0x7FFFFFFF)
    meter.note(codes.EVENT_CLOCK_SET, step)
    return codes.OK, (step, 0, 0, 0)


_ACTIONS = {
    commands.PAYMENT_MODE: _payment_mode,
    commands.LOAD_SWITCH: _load_switch,
    commands.CONFIGURE: _configure,
    commands.SET_CLOCK: _set_clock,
    commands.CLOSE_ACCOUNT: _close_account,
    commands.ADJUST_CREDIT: _adjust_credit,
    commands.CLEAR_TAMPER: _clear_tamper,
    commands.RESET_TRIP: _reset_trip,
    commands.MESSAGE: _message,
}
