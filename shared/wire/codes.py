"""The numbers and names that stand for something in a message; both ends share this table.

Names for people are in `code_names`, which the meter does not load.
"""

PREPAYMENT = "prepayment"
POSTPAYMENT = "postpayment"
PAYMENT_MODES = (PREPAYMENT, POSTPAYMENT)

# DLMS names (IEC 62056-6-2, class Account): life of the account, and where its credit stands.
ACCOUNT_CLOSED = "closed"
ACCOUNT_STATUSES = ("new", "active", ACCOUNT_CLOSED)
IN_CREDIT = "in_credit"
LOW_CREDIT = "low_credit"
OUT_OF_CREDIT = "out_of_credit"
CREDIT_STATUSES = (IN_CREDIT, LOW_CREDIT, OUT_OF_CREDIT)

CLOCK_QUALITIES = ("unset", "restored", "set", "simulated")

# Why the load switch is open: a set. In the meter it is kept as bits, 1 << position here.
OPEN_NO_CREDIT = 1
OPEN_REMOTE = 2
OPEN_OVER_POWER = 4
OPEN_TAMPER = 8
OPEN_READY = 16
OPEN_FAULT = 32
OPEN_REASONS = (
    "no_credit",
    "remote",
    "over_power",
    "tamper",
    "ready_for_reconnection",
    "fault",
)

# Answer of a command other than `token`; an executed `token` answers with its STS token result
# (1..16), so these numbers stay clear of those.
OK = 0
UNKNOWN_COMMAND = 101
BAD_ARGUMENTS = 102
NOT_AUTHENTIC = 103
REPLAYED = 104
EXPIRED = 105
CLOCK_MISMATCH = 106
NOT_ALLOWED = 107
STORAGE_FAULT = 108
BUSY = 109

# Events. 1xx power and clock, 2xx tokens and credit, 3xx load switch, 4xx settings,
# 5xx fraud (kept longest when storage runs short), 6xx wires, 7xx storage.
EVENT_POWER_UP = 101
EVENT_CLOCK_SET = 102
EVENT_TOKEN_ACCEPTED = 201
EVENT_TOKEN_REFUSED = 202
EVENT_KEYPAD_LOCKED = 203
EVENT_LOW_CREDIT = 204
EVENT_LOW_CREDIT_ENDED = 205
EVENT_CREDIT_EXHAUSTED = 206
EVENT_KEY_CHANGED = 207
EVENT_CREDIT_ADJUSTED = 208
EVENT_ACCOUNT_CLOSED = 209
EVENT_SWITCH_OPENED = 301
EVENT_SWITCH_CLOSED = 302
EVENT_SWITCH_FAULT = 303
EVENT_MODE_CHANGED = 401
EVENT_CONFIGURED = 402
EVENT_COMMAND_FORGED = 501
EVENT_COMMAND_REPLAYED = 502
EVENT_COMMAND_EXPIRED = 503
EVENT_COVER_OPENED = 504
EVENT_KEYPAD_LOST = 601
EVENT_KEYPAD_BACK = 602
EVENT_FOREIGN_KEYPAD = 603
EVENT_STORAGE_FAULT = 701
EVENT_READINGS_DISCARDED = 702


def is_fraud_event(code):
    """Return True if an event (its code) must be the last to be thinned out."""
    return 500 <= code < 600


def open_reason_names(bits):
    """Return the names of the open reasons set in `bits` (0 gives an empty list)."""
    return [name for place, name in enumerate(OPEN_REASONS) if bits >> place & 1]
