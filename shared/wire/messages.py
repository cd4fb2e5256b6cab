"""The messages as the head-end sees them: it builds those down to a meter and checks those up.

The meter loads only `commands`; what it sends is described by the tables here.
"""

from shared.wire import codes
from shared.wire.commands import (  # noqa: F401 - one place to import from at the head-end
    HARMLESS,
    HIGHEST_NUMBER,
    LATEST_SECOND,
    TOKEN,
    BadMessage,
    check_arguments,
    check_command,
    check_envelope,
    check_stored,
    envelope,
    is_integer,
)
from shared.wire.topics import is_digits

RECEIVED = "received"
DONE = "done"
STAGES = (RECEIVED, DONE)

_ANY = 1 << 40  # wider than any register of a meter
_TIME = (0, LATEST_SECOND)
_WH = (-_ANY, _ANY)

# Fields of each message besides the envelope (v, kind, sub): name -> what it may be.
# A pair of integers: lowest and highest. A tuple of texts: one of them. A type: of that type.
# "digits": text of decimal digits. "time": integer UTC seconds or null. "names": list of open
# reasons. "number": [boot, seq]. "registers": OBIS code -> integer. A trailing "?": optional.
ACK = {
    "n": (1, HIGHEST_NUMBER),
    "stage": STAGES,
    "status?": (0, 999),  # with stage "done"
    "detail?": dict,
}
STATE = {
    "boot": (0, HIGHEST_NUMBER),  # number of this power-up
    "revision": (0, HIGHEST_NUMBER),  # rises with every state sent in this boot
    "boot_nonce": str,  # to be repeated in commands while the clock is not trusted
    "last": "number",  # newest event or reading that the meter has numbered
    "last_n": (0, HIGHEST_NUMBER),  # newest command number executed
    "time": "time",
    "clock": codes.CLOCK_QUALITIES,
    "payment_mode": codes.PAYMENT_MODES,
    "account_status": codes.ACCOUNT_STATUSES,
    "credit_status": codes.CREDIT_STATUSES,
    "credit_wh": _WH,
    "low_credit_wh": _WH,
    "load_closed": bool,
    "open_reasons": "names",
    "energy_wh": _WH,  # total import, OBIS 1.8.0
    "power_w": _WH,
    "sgc": "digits",
    "krn": (0, 9),
    "ti": (0, 99),
    "firmware": str,
}
READING = {
    "boot": (0, HIGHEST_NUMBER),
    "seq": (0, HIGHEST_NUMBER),
    # Number of the message kept just before this one. Thinning leaves holes in the sequence; with
    # this the head-end tells a hole from a loss, and its watermark never passes a lost message.
    "after?": "number",
    "end": "time",  # end of the interval by the calendar, null if the clock was never set
    "registers": "registers",  # for example {"1.8.0": total import in Wh}
    "credit_wh": _WH,
    "power_w": _WH,
    "voltage_mv?": (0, _ANY),
}
EVENT = {
    "boot": (0, HIGHEST_NUMBER),
    "seq": (0, HIGHEST_NUMBER),
    "after?": "number",  # as in a reading
    "code": (1, 999),
    "time": "time",
    "detail?": dict,
}
FIELDS: dict = {"ack": ACK, "state": STATE, "reading": READING, "event": EVENT}


def command_claims(drn, n, iat, cmd, args, exp=None, boot=None):
    """Return the claims of a command, ready to be signed.

    Args:
        drn: number of the meter.
        n: command number, 1..2^30-1, rising for each meter.
        iat: UTC seconds of issue.
        cmd: name of the command.
        args: dict of its arguments.
        exp: UTC second after which it is refused; None, and always None for `token`.
        boot: boot nonce last seen in the meter's state, or None.

    Raises:
        BadMessage: the meter would refuse it as malformed.
    """
    claims = envelope("command", drn)
    claims.update({"n": n, "iat": iat, "cmd": cmd, "args": args})
    if exp is not None:
        claims["exp"] = exp
    if boot is not None:
        claims["boot"] = boot
    check_command(claims, drn)
    return claims


def stored_claims(drn, boot, seq):
    """Return the claims of a watermark: all up to (boot, seq) is in the database."""
    claims = envelope("stored", drn)
    claims.update({"boot": boot, "seq": seq})
    check_stored(claims, drn)
    return claims


def check_up(kind, claims, drn):
    """Check a verified message of a meter against its kind's fields.

    Args:
        kind: last part of the topic: a key of FIELDS.
        claims: dict of the verified message.
        drn: number of the meter, from the topic.

    Raises:
        BadMessage: another kind, meter or version; a field missing, not known or out of range.
    """
    fields = FIELDS.get(kind)
    if fields is None:
        raise BadMessage(f"no messages of kind {kind}")
    check_envelope(claims, kind, drn)
    taken = 3
    for name, rule in fields.items():
        plain = name.rstrip("?")
        if plain not in claims:
            if name != plain:
                continue
            raise BadMessage(f"{kind}: {plain} is missing")
        taken += 1
        if not _fits(claims[plain], rule):
            raise BadMessage(f"{kind}: {plain} is {claims[plain]!r}")
    if taken != len(claims):
        raise BadMessage(f"{kind}: fields that are not known")


def check_ack(claims, drn):
    """Check an answer to a command; raise BadMessage if it is none."""
    check_up("ack", claims, drn)
    if (claims["stage"] == DONE) != ("status" in claims):
        raise BadMessage("ack: a status comes with stage done, and only then")


def check_state(claims, drn):
    """Check a meter's state; raise BadMessage if it is none."""
    check_up("state", claims, drn)


def check_reading(claims, drn):
    """Check a reading; raise BadMessage if it is none."""
    check_up("reading", claims, drn)


def check_event(claims, drn):
    """Check an event; raise BadMessage if it is none."""
    check_up("event", claims, drn)


def _is_registers(value):
    return isinstance(value, dict) and all(
        isinstance(name, str) and is_integer(each, -_ANY, _ANY) for name, each in value.items()
    )


_RULES = {
    "digits": lambda value: isinstance(value, str) and is_digits(value),
    "time": lambda value: value is None or is_integer(value, *_TIME),
    "names": lambda value: (
        isinstance(value, list) and all(each in codes.OPEN_REASONS for each in value)
    ),
    "number": lambda value: (
        isinstance(value, list) and len(value) == 2 and all(is_integer(each) for each in value)
    ),
    "registers": _is_registers,
}


def _fits(value, rule):
    if isinstance(rule, str):
        return _RULES[rule](value)
    if isinstance(rule, type):
        return isinstance(value, rule)
    if isinstance(rule[0], str):
        return value in rule
    return is_integer(value, *rule)
