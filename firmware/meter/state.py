"""All that a meter must remember, and its form in a journal snapshot."""

import struct

from shared.sts import decoder

# Payment modes and reclose rules as kept here; their names in messages are in shared/wire.
PREPAYMENT = 0
POSTPAYMENT = 1
RECLOSE_AUTOMATIC = 0
RECLOSE_KEY = 1

NEW = 0
ACTIVE = 1
CLOSED = 2

HIGHEST_CREDIT_WH = 2_000_000_000
ANSWERS_KEPT = 8
TOKENS_KEPT = 20
EVENTS_KEPT = 4

_SCHEMA = 1
_START = 5  # after the serial number and the schema
_FORMAT = "<13s18s32sHiQIHIIIIIHBBBBBIIIIBB"
_FIELDS = (
    "drn",  # number on the label, 11 or 13 digits
    "pan",  # 18 digits
    "link_root",  # 32 bytes, from which the keys of messages are derived
    "link_generation",
    "credit_wh",  # what may still be used; below zero by what was used before the switch opened
    "total_wh",  # total import
    "postpaid_wh",  # the part of it used in post-payment after credit was gone
    "remainder",  # of the last Wh, in 1/impulses_per_kwh Wh
    "boot",  # number of this power-up
    "last_n",  # newest command executed
    "last_utc",  # a lower bound for the time, 0 if never known
    "stored_boot",  # the head-end has stored messages up to here
    "stored_seq",
    "open_reasons",  # bits of shared/wire/codes.py; the load switch is closed at 0
    "payment_mode",
    "account_status",
    "low_credit",  # 1 while the warning stands
    "tampered",
    "wrong_entries",  # at the keypad since the last right one
    "power_limit_w",  # 0: none
    "low_credit_wh",
    "low_credit_hysteresis_wh",
    "reading_interval_s",
    "language",
    "reclose",
)
_LENGTH = struct.calcsize(_FORMAT)
_ANSWER = "<I8sBBQiii"
_ANSWER_SIZE = struct.calcsize(_ANSWER)
_CREDITED = "<II"
_CREDITED_SIZE = 8
_EVENT_SIZE = 28
# Snapshot it refers to, credit, total (40 bits), post-payment, remainder, time.
_ENERGY = "<IiIBIHI"
_MESSAGE = "<I32s"
NO_MESSAGE = (0, b"")
_BLANK_NUMBER = b"\xff\xff\xff\xff"


class UnknownSchema(Exception):
    """The snapshot was written by firmware with another layout."""


class MeterState:
    """What survives; rules change it, the journal stores it. Units are in the attributes' names.

    Attributes beside those of _FIELDS:
        decoder: STS key, its attributes and the token identifiers taken.
        answers: the last eight (n, digest, command, status, total, a, b, c), oldest first.
        tokens: the last twenty (identifier | remote << 24, credited Wh), oldest first.
        message: (UTC second until which it is shown, text for the display in ASCII).
        events: packed messages decided with this snapshot; queued again if power failed between.
    """

    def __init__(self):
        self.drn = self.pan = ""
        self.link_root = b""
        self.link_generation = 0
        self.credit_wh = self.total_wh = self.postpaid_wh = self.remainder = 0
        self.boot = self.last_n = self.last_utc = self.stored_boot = self.stored_seq = 0
        self.open_reasons = self.low_credit = self.tampered = 0
        self.payment_mode = PREPAYMENT
        self.account_status = NEW
        self.wrong_entries = 0
        self.power_limit_w = 0
        self.low_credit_wh = 5000
        self.low_credit_hysteresis_wh = 1000
        self.reading_interval_s = 900
        self.language = 0
        self.reclose = RECLOSE_AUTOMATIC
        self.decoder = decoder.DecoderState()
        self.answers = []
        self.tokens = []
        self.events = []
        self.message = NO_MESSAGE

    def remember_answer(self, answer):
        """Keep the answer to a command; the oldest of nine is forgotten."""
        self.last_n = answer[0]
        self.answers.append(answer)
        if len(self.answers) > ANSWERS_KEPT:
            self.answers.pop(0)

    def remember_token(self, token_identifier, credited_wh, remote):
        """Keep an accepted token for the information screen; the oldest of 21 is forgotten."""
        self.tokens.append((token_identifier | remote << 24, credited_wh))
        if len(self.tokens) > TOKENS_KEPT:
            self.tokens.pop(0)

    def pack_into(self, buffer):
        """Write the whole state into a snapshot record."""
        buffer[4] = _SCHEMA
        values = [getattr(self, name) for name in _FIELDS]
        values[0] = self.drn.encode()
        values[1] = self.pan.encode()
        struct.pack_into(_FORMAT, buffer, _START, *values)
        at = _put(buffer, _START + _LENGTH, decoder.pack(self.decoder))
        at = _put_list(buffer, at, self.answers, ANSWERS_KEPT, _ANSWER, _ANSWER_SIZE)
        at = _put_list(buffer, at, self.tokens, TOKENS_KEPT, _CREDITED, _CREDITED_SIZE)
        for index in range(EVENTS_KEPT):
            event = self.events[index] if index < len(self.events) else _BLANK_NUMBER
            _put(buffer, at, event)
            at += _EVENT_SIZE
        struct.pack_into(_MESSAGE, buffer, at, *self.message)

    def unpack_from(self, buffer):
        """Read the whole state from a snapshot record.

        Raises:
            UnknownSchema: other firmware wrote it.
        """
        if buffer[4] != _SCHEMA:
            raise UnknownSchema(buffer[4])
        values = list(struct.unpack_from(_FORMAT, buffer, _START))
        values[0] = values[0].rstrip(b"\0").decode()
        values[1] = values[1].decode()
        for index, name in enumerate(_FIELDS):
            setattr(self, name, values[index])
        at = _START + _LENGTH
        self.decoder = decoder.unpack(bytes(buffer[at : at + decoder.PACKED_SIZE]))
        at += decoder.PACKED_SIZE
        self.answers = _get_list(buffer, at, ANSWERS_KEPT, _ANSWER, _ANSWER_SIZE)
        at += ANSWERS_KEPT * _ANSWER_SIZE
        self.tokens = _get_list(buffer, at, TOKENS_KEPT, _CREDITED, _CREDITED_SIZE)
        at += TOKENS_KEPT * _CREDITED_SIZE
        self.events = []
        for start in range(at, at + EVENTS_KEPT * _EVENT_SIZE, _EVENT_SIZE):
            if buffer[start : start + 4] != _BLANK_NUMBER:
                self.events.append(bytes(buffer[start : start + _EVENT_SIZE]))
        # Zeros where earlier firmware wrote the snapshot: no message.
        self.message = struct.unpack_from(_MESSAGE, buffer, at + EVENTS_KEPT * _EVENT_SIZE)

    def pack_energy(self, buffer, snapshot):
        """Write what use of energy changes into an energy record.

        Args:
            buffer: the record.
            snapshot: serial number of the snapshot that it continues.
        """
        total = self.total_wh
        low, high = total & 0xFFFFFFFF, total >> 32
        struct.pack_into(
            _ENERGY,
            buffer,
            4,
            snapshot,
            self.credit_wh,
            low,
            high,
            self.postpaid_wh,
            self.remainder,
            self.last_utc,
        )

    def energy_snapshot(self, buffer):
        """Return the serial number of the snapshot that an energy record continues."""
        return struct.unpack_from("<I", buffer, 4)[0]

    def unpack_energy(self, buffer):
        """Read an energy record."""
        _, self.credit_wh, low, high, self.postpaid_wh, self.remainder, self.last_utc = (
            struct.unpack_from(_ENERGY, buffer, 4)
        )
        self.total_wh = high << 32 | low


def _put(buffer, at, data):
    buffer[at : at + len(data)] = data
    return at + len(data)


def _put_list(buffer, at, items, count, form, size):
    for index in range(count):
        if index < len(items):
            struct.pack_into(form, buffer, at, *items[index])
        else:
            _put(buffer, at, _BLANK_NUMBER)
        at += size
    return at


def _get_list(buffer, at, count, form, size):
    items = []
    for start in range(at, at + count * size, size):
        if buffer[start : start + 4] != _BLANK_NUMBER:
            items.append(struct.unpack_from(form, buffer, start))
    return items
