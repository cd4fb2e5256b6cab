"""What the frames between meter and keypad carry: one pack and one unpack function per type."""

import struct

from shared.wire.frames import LONGEST_PAYLOAD, BadFrame

ROWS = 2
COLUMNS = 16
NO_CURSOR = 255

LAMP_GREEN = 1
LAMP_AMBER = 2
LAMP_RED = 4
LAMP_LINK = 8

# Beep patterns; how they sound is the keypad's business. 0 is silence.
BEEP_ACCEPTED = 1
BEEP_REFUSED = 2
BEEP_LOCKED = 3
BEEP_WARNING = 4
BEEP_SWITCHED_OFF = 5

BOOT_ID_LENGTH = 4
MOST_KEYS = 16
_KEYS_TAKEN = "<4sH"
_SHOW = "<16s16sBBBB"
_INFO = "<8s13sB"


def pack_poll(boot_id, taken):
    """Return the payload of a POLL: which keys the meter has taken.

    Args:
        boot_id: the keypad's boot id as last heard (4 bytes; zeros before the first answer).
        taken: sequence number, 0..65535, of the last key taken from that boot.
    """
    return struct.pack(_KEYS_TAKEN, boot_id, taken)


def unpack_poll(payload):
    """Return (boot_id, taken) of a POLL; raise BadFrame if it is none."""
    return _unpack(_KEYS_TAKEN, payload)


def pack_keys(boot_id, first, keys):
    """Return the payload of a KEYS answer: the keys pressed since those the meter has taken.

    Args:
        boot_id: 4 random bytes of this power-up of the keypad.
        first: sequence number, 0..65535, of the first key in `keys`; the next ones follow,
            65535 is followed by 0. With no keys: of the key that comes next.
        keys: bytes of at most MOST_KEYS characters 0-9, * and #.
    """
    if len(keys) > MOST_KEYS:
        raise BadFrame("too many keys")
    return struct.pack(_KEYS_TAKEN, boot_id, first) + keys


def unpack_keys(payload):
    """Return (boot_id, first, keys) of a KEYS answer; raise BadFrame if it is none."""
    size = struct.calcsize(_KEYS_TAKEN)
    boot_id, first = _unpack(_KEYS_TAKEN, payload[:size])
    keys = payload[size:]
    for key in keys:
        if key not in b"0123456789*#":
            raise BadFrame("no key")
    return boot_id, first, keys


def pack_show(rows, cursor, lamps, buzzer_pattern, buzzer_serial):
    """Return the payload of a SHOW.

    Args:
        rows: two texts, cut or filled up with spaces to 16; beyond ASCII becomes "?".
        cursor: 0..31, counted over both rows, or None.
        lamps: sum of LAMP_ bits.
        buzzer_pattern: number of the pattern, 0..255, 0 is silence.
        buzzer_serial: 0..255; the keypad plays a pattern once per new number.
    """
    texts = [_row(row) for row in rows]
    place = NO_CURSOR if cursor is None else cursor
    return struct.pack(
        _SHOW, texts[0], texts[1], place, lamps, buzzer_pattern, buzzer_serial & 255
    )


def unpack_show(payload):
    """Return (rows, cursor, lamps, buzzer_pattern, buzzer_serial) as given to `pack_show`.

    Raises:
        BadFrame: the payload is no SHOW.
    """
    first, second, place, lamps, pattern, serial = _unpack(_SHOW, payload)
    cursor = None if place == NO_CURSOR else place
    return (_text(first), _text(second)), cursor, lamps, pattern, serial


def pack_info(unit_id, paired_drn, firmware, tampered):
    """Return the payload of a keypad's INFO answer.

    Args:
        unit_id: 8 bytes that name this keypad.
        paired_drn: number of the meter it belongs to, at most 13 digits; "" if to none.
        firmware: version, ASCII, at most 26 characters.
        tampered: True while its cover is open.
    """
    drn = paired_drn.encode()
    payload = struct.pack(_INFO, unit_id, drn, 1 if tampered else 0) + firmware.encode()
    if len(drn) > 13 or len(payload) > LONGEST_PAYLOAD:
        raise BadFrame("too long")
    return payload


def unpack_info(payload):
    """Return (unit_id, paired_drn, firmware, tampered); raise BadFrame if it is no INFO."""
    size = struct.calcsize(_INFO)
    unit_id, drn, tampered = _unpack(_INFO, payload[:size])
    return unit_id, _text(drn.rstrip(b"\0")), _text(payload[size:]), bool(tampered)


def _row(text):
    kept = "".join([each if " " <= each <= "~" else "?" for each in text[:COLUMNS]])
    return (kept + " " * (COLUMNS - len(kept))).encode()


def _text(data):
    for byte in data:
        if byte > 126:
            raise BadFrame("not ASCII")
    return data.decode()


def _unpack(form, payload):
    if len(payload) != struct.calcsize(form):
        raise BadFrame("length")
    return struct.unpack(form, payload)
