"""English names of the codes in `codes`, for screens, logs and reports of the head-end."""

from shared.wire import codes

STATUS_NAMES = {
    codes.OK: "ok",
    codes.UNKNOWN_COMMAND: "unknown command",
    codes.BAD_ARGUMENTS: "bad arguments",
    codes.NOT_AUTHENTIC: "not signed for this meter",
    codes.REPLAYED: "replayed",
    codes.EXPIRED: "expired",
    codes.CLOCK_MISMATCH: "clock or boot does not match",
    codes.NOT_ALLOWED: "not allowed in this state",
    codes.STORAGE_FAULT: "storage fault",
    codes.BUSY: "busy",
}

EVENT_NAMES = {
    codes.EVENT_POWER_UP: "power up",
    codes.EVENT_CLOCK_SET: "clock set",
    codes.EVENT_TOKEN_ACCEPTED: "token accepted",
    codes.EVENT_TOKEN_REFUSED: "token refused",
    codes.EVENT_KEYPAD_LOCKED: "keypad locked after wrong tokens",
    codes.EVENT_LOW_CREDIT: "low credit",
    codes.EVENT_LOW_CREDIT_ENDED: "low credit ended",
    codes.EVENT_CREDIT_EXHAUSTED: "credit exhausted",
    codes.EVENT_KEY_CHANGED: "decoder key changed",
    codes.EVENT_CREDIT_ADJUSTED: "credit adjusted by the utility",
    codes.EVENT_ACCOUNT_CLOSED: "account closed",
    codes.EVENT_SWITCH_OPENED: "load switch opened",
    codes.EVENT_SWITCH_CLOSED: "load switch closed",
    codes.EVENT_SWITCH_FAULT: "load switch does not follow",
    codes.EVENT_MODE_CHANGED: "payment mode changed",
    codes.EVENT_CONFIGURED: "settings changed",
    codes.EVENT_COMMAND_FORGED: "command refused: not authentic",
    codes.EVENT_COMMAND_REPLAYED: "command refused: replayed",
    codes.EVENT_COMMAND_EXPIRED: "command refused: expired",
    codes.EVENT_COVER_OPENED: "cover opened",
    codes.EVENT_KEYPAD_LOST: "keypad lost",
    codes.EVENT_KEYPAD_BACK: "keypad back",
    codes.EVENT_FOREIGN_KEYPAD: "keypad of another meter connected",
    codes.EVENT_STORAGE_FAULT: "storage fault",
    codes.EVENT_READINGS_DISCARDED: "readings discarded",
}


def status_name(code):
    """Return the English name of a command status; an unknown one is "status <code>"."""
    return STATUS_NAMES.get(code) or f"status {code}"


def event_name(code):
    """Return the English name of an event; an unknown one is "event <code>"."""
    return EVENT_NAMES.get(code) or f"event {code}"
