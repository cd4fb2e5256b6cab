"""What a command to a meter looks like; the meter and the head-end check it with the same code."""

from shared.wire import codes
from shared.wire.topics import is_digits

SCHEMA_VERSION = 1
HIGHEST_NUMBER = (1 << 30) - 1  # the largest small integer of a 32-bit MicroPython
LATEST_SECOND = 4102444800  # 2100-01-01, a bound against nonsense

TOKEN = "token"  # noqa: S105
PAYMENT_MODE = "payment_mode"
LOAD_SWITCH = "load_switch"
CONFIGURE = "configure"
READ = "read"
SET_CLOCK = "set_clock"
CLOSE_ACCOUNT = "close_account"
ADJUST_CREDIT = "adjust_credit"
CLEAR_TAMPER = "clear_tamper"
RESET_TRIP = "reset_trip"
MESSAGE = "message"
PING = "ping"

# Executed again whenever they come, and never journaled.
HARMLESS = (READ, PING)

LOAD_SWITCH_ACTIONS = ("disconnect", "connect", "arm")
MOST_ADJUSTED_WH = 1_000_000_000  # either way; more than the largest token carries
LONGEST_TEXT = 32  # two rows of the smallest display
READABLE = ("registers", "events", "settings")

# Arguments of each command: name -> what it may be. A tuple of texts: one of them. A pair of
# integers: lowest and highest. "digits20": 20 decimal digits. "text32": up to LONGEST_TEXT
# characters that every display has. A trailing "?": optional.
ARGUMENTS: dict = {
    TOKEN: {"digits": "digits20"},
    PAYMENT_MODE: {"mode": codes.PAYMENT_MODES, "from?": (0, LATEST_SECOND)},
    LOAD_SWITCH: {"action": LOAD_SWITCH_ACTIONS},
    CONFIGURE: {
        "low_credit_wh?": (0, 100_000_000),
        "low_credit_hysteresis_wh?": (0, 1_000_000),
        "reading_interval_s?": (10, 86400),
        "language?": ("en", "fr"),
        "reclose?": ("automatic", "key"),
    },
    READ: {"what": READABLE, "page?": (0, 9999)},
    SET_CLOCK: {"utc": (1704067200, LATEST_SECOND)},
    CLOSE_ACCOUNT: {},
    ADJUST_CREDIT: {"amount_wh": (-MOST_ADJUSTED_WH, MOST_ADJUSTED_WH)},
    CLEAR_TAMPER: {},
    RESET_TRIP: {},
    MESSAGE: {"text": "text32", "until": (1704067200, LATEST_SECOND)},
    PING: {},
}


class BadMessage(ValueError):
    """A message breaks the form; `status` is the answer's code where one is due.

    Attributes:
        status: a command status of `codes`.
    """

    def __init__(self, text, status=codes.BAD_ARGUMENTS):
        super().__init__(text)
        self.status = status


def is_integer(value, lowest=0, highest=HIGHEST_NUMBER):
    """Return True if `value` is an integer (not a truth value) within both bounds."""
    return type(value) is int and lowest <= value <= highest


def envelope(kind, drn):
    """Return the claims that every message carries, to be filled up by the sender.

    Args:
        kind: "command", "stored", "ack", "state", "reading" or "event".
        drn: number of the meter that sends or receives it.
    """
    return {"v": SCHEMA_VERSION, "kind": kind, "sub": drn}


def check_envelope(claims, kind, drn):
    """Check what every message carries: version, kind and meter.

    Raises:
        BadMessage: of another version (UNKNOWN_COMMAND), or of another kind or meter
            (NOT_AUTHENTIC: a message signed with this key for another use).
    """
    if claims.get("v") != SCHEMA_VERSION:
        raise BadMessage("version not known", codes.UNKNOWN_COMMAND)
    if claims.get("kind") != kind or claims.get("sub") != drn:
        raise BadMessage("not a " + kind + " for " + drn, codes.NOT_AUTHENTIC)


def check_command(claims, drn):
    """Check a command's form, its arguments included.

    Args:
        claims: dict of a verified message.
        drn: number of the meter it must be for.

    Raises:
        BadMessage: with the status to answer.
    """
    check_envelope(claims, "command", drn)
    if not is_integer(claims.get("n"), 1) or not is_integer(claims.get("iat"), 0, LATEST_SECOND):
        raise BadMessage("n or iat is missing or out of range")
    command = claims.get("cmd")
    if "exp" in claims and (command == TOKEN or not is_integer(claims["exp"], 0, LATEST_SECOND)):
        raise BadMessage("bad exp")
    if "boot" in claims and not isinstance(claims["boot"], str):
        raise BadMessage("bad boot")
    check_arguments(command, claims.get("args"))


def check_arguments(command, arguments):
    """Check the arguments of a command.

    Args:
        command: its name.
        arguments: dict as in ARGUMENTS.

    Raises:
        BadMessage: UNKNOWN_COMMAND or BAD_ARGUMENTS.
    """
    allowed = ARGUMENTS.get(command)
    if allowed is None:
        raise BadMessage("unknown command", codes.UNKNOWN_COMMAND)
    if not isinstance(arguments, dict):
        raise BadMessage("args is no object")
    taken = 0
    for name, rule in allowed.items():
        optional = name.endswith("?")
        name = name.rstrip("?")
        if name not in arguments:
            if optional:
                continue
            raise BadMessage(name + " is missing")
        taken += 1
        if not _fits(arguments[name], rule):
            raise BadMessage(name + " is out of range")
    if taken != len(arguments) or (command == CONFIGURE and not taken):
        raise BadMessage("arguments missing or not known")


def _fits(value, rule):
    if rule == "digits20":
        return isinstance(value, str) and len(value) == 20 and is_digits(value)
    if rule == "text32":
        return isinstance(value, str) and len(value) <= LONGEST_TEXT and _is_plain(value)
    if isinstance(rule[0], str):
        return value in rule
    return is_integer(value, rule[0], rule[1])


def _is_plain(text):
    return all(" " <= character <= "}" for character in text)


def check_stored(claims, drn):
    """Check a watermark: everything up to (boot, seq) is in the head-end's database.

    Returns:
        (boot, seq).

    Raises:
        BadMessage: it is none for this meter.
    """
    check_envelope(claims, "stored", drn)
    boot = claims.get("boot")
    seq = claims.get("seq")
    if not is_integer(boot) or not is_integer(seq):
        raise BadMessage("bad watermark")
    return boot, seq
