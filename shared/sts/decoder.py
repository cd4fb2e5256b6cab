"""What a meter does with a token: checks that change nothing, then one change of its state.

The state is plain data that the meter journals; nothing here knows a clock, a register or a key
store. `validate` answers, the meter applies its own rule (which may refuse), `commit` consumes.
"""

import struct

from shared.sts import crc, key_change, result, transport
from shared.sts.cipher import KEY_LENGTHS, make_cipher
from shared.sts.errors import WrongFormat
from shared.sts.token import KEY_SECTIONS, METER_CLASS, Token

STORE_SIZE = 50
# A set whose next token does not come within this many seconds is forgotten.
SECTION_SECONDS = 600
_BASE_DATES = (1993, 2014, 2035)
_SECTION_RESULTS = (
    result.FIRST_SECTION,
    result.SECOND_SECTION,
    result.THIRD_SECTION,
    result.FOURTH_SECTION,
)
_NO_TIME = 0xFFFFFFFF
# version, ea, kt, krn, ti, ken, tct, digits of mfr_code; mfr_code, base date; sgc, sections' time
_HEAD = ">8B2H2I"
_VERSION = 1
_KEY_AT = struct.calcsize(_HEAD)
_SECTIONS_AT = _KEY_AT + 16
_STORE_AT = _SECTIONS_AT + 4 * 6
PACKED_SIZE = _STORE_AT + STORE_SIZE * 3


class DecoderState:
    """All that a meter must keep to judge tokens.

    Attributes:
        ea: encryption algorithm, 7 or 11.
        decoder_key: 8 or 16 bytes.
        sgc: supply group code as a number; 0 when a key change did not say it.
        kt, krn, ti, ken: key type, key revision, tariff index, key expiry number.
        mfr_code: the manufacturer's digits, 2 or 4 of them.
        base_date: 1993, 2014 or 2035.
        tct: token carrier type; 2 is a keypad, 1 a magnetic card.
        token_identifiers: the latest 50 accepted, in rising order.
        sections: key change tokens at hand, subclass -> 6 clear bytes.
        sections_at: seconds at which the latest of them came, None without a clock.
    """

    def __init__(
        self,
        ea=7,
        decoder_key=b"",
        sgc=0,
        kt=2,
        krn=1,
        ti=1,
        ken=255,
        mfr_code="00",
        base_date=2014,
        token_identifiers=None,
        tct=2,
    ):
        self.ea = ea
        self.decoder_key = decoder_key
        self.sgc = sgc
        self.kt = kt
        self.krn = krn
        self.ti = ti
        self.ken = ken
        self.mfr_code = mfr_code
        self.base_date = base_date
        self.tct = tct
        self.token_identifiers = token_identifiers or [0] * STORE_SIZE
        self.sections = {}
        self.sections_at = None
        self._cipher = None
        self._cipher_key = None

    @property
    def cipher(self):
        """The cipher under the present key, made at its first use."""
        if self._cipher is None or self._cipher_key != self.decoder_key:
            self._cipher = make_cipher(self.ea, self.decoder_key)
            self._cipher_key = self.decoder_key
        return self._cipher

    def prepare(self):
        """Load the cipher and its tables now, at start-up, not deep in a call with little heap."""
        return self.cipher

    def fill_token_identifiers(self, tid):
        """Make a minute and all before it unacceptable, as a meter leaves the factory."""
        self.token_identifiers = [tid] * STORE_SIZE


def validate(state, digits):
    """Judge a token without changing anything.

    Args:
        state: DecoderState.
        digits: what was typed or sent; 20 ASCII digits are expected.

    Returns:
        tuple: (result code, Token or None). ACCEPT means that the meter may carry the token out
        if it has the function and room for it. A Token comes with every code from which its
        checksum was right.
    """
    try:
        token_class, block = transport.from_digits(digits)
    except WrongFormat:
        return result.FORMAT_ERROR, None
    if token_class == 3:
        return result.FUNCTION_ERROR, None
    if token_class != METER_CLASS:
        block = state.cipher.decrypt(block)
    if not crc.matches(token_class, block):
        return result.CRC_ERROR, None
    token = Token(token_class, block)
    if token_class == METER_CLASS:
        return _judge_meter_class(state, token), token
    if token.is_key_section:
        return _judge_key_section(state, token), token
    return _judge_identified(state, token), token


def _judge_meter_class(state, token):
    if not token.is_defined:
        return result.FUNCTION_ERROR
    code = token.mfr_code
    digits = 4 if token.subclass == 1 else 2
    if code and (digits != len(state.mfr_code) or code != int(state.mfr_code)):
        return result.MFR_CODE_ERROR
    return result.ACCEPT


def _judge_key_section(state, token):
    if token.subclass == 9 and state.ea != 11:
        return result.FUNCTION_ERROR
    return result.ACCEPT


def _judge_identified(state, token):
    tid = token.tid
    if tid < state.token_identifiers[0]:
        return result.OLD_ERROR
    if tid in state.token_identifiers:
        return result.USED_ERROR
    if tid >> 16 > state.ken:
        return result.KEY_EXPIRED_ERROR
    if token.token_class == 0 and state.kt == 1:
        return result.DDTK_ERROR
    return result.ACCEPT if token.is_defined else result.FUNCTION_ERROR


def commit(state, token, now_s=None):
    """Consume a token that `validate` accepted and the meter carried out.

    Args:
        state: DecoderState, changed here.
        token: the Token.
        now_s: seconds of a clock that goes on over a power cut, None if it was never set; key
            change sections wait for each other by it.

    Returns:
        int: ACCEPT; for a key change the section's code while others are missing, ACCEPT when
        the new key is in force, KEY_TYPE_ERROR when it is not permitted (the old key stays).
    """
    if token.token_class == METER_CLASS:
        return result.ACCEPT
    if token.is_key_section:
        return _take_section(state, token, now_s)
    store = state.token_identifiers
    place = len(store)
    while place and store[place - 1] > token.tid:
        place -= 1
    store.insert(place, token.tid)
    if len(store) > STORE_SIZE:
        del store[0]
    return result.ACCEPT


def _is_late(started, now_s):
    """Return whether sections must not wait longer, as parts of two sets would make no key.

    A meter whose clock was never set cannot tell, and waits; once a time is known, parts from
    before, or from after it was lost again, are forgotten.
    """
    if started is None or now_s is None:
        return started is not now_s
    return not 0 <= now_s - started <= SECTION_SECONDS


def _take_section(state, token, now_s):
    if _is_late(state.sections_at, now_s):
        state.sections = {}
    state.sections[token.subclass] = bytes(token.block[:6])
    state.sections_at = now_s
    for subclass in key_change.needed_sections(state.ea, state.sections):
        if subclass not in state.sections:
            return _SECTION_RESULTS[KEY_SECTIONS.index(token.subclass)]
    new = key_change.NewKey(state.ea, state.sections)
    state.sections = {}
    state.sections_at = None
    if not key_change.is_permitted(state.kt, new.kt, state.tct):
        return result.KEY_TYPE_ERROR
    state.decoder_key = new.key
    state.kt = new.kt
    state.krn = new.krn
    state.ti = new.ti
    state.ken = new.ken
    state.sgc = new.sgc or 0
    if new.rollover:
        state.fill_token_identifiers(0)
        later = [year for year in _BASE_DATES if year > state.base_date]
        state.base_date = later[0] if later else state.base_date
    return result.ACCEPT


def pack(state):
    """Return a state as PACKED_SIZE bytes; `unpack` makes an equal one of them."""
    packed = bytearray(PACKED_SIZE)
    struct.pack_into(
        _HEAD,
        packed,
        0,
        _VERSION,
        state.ea,
        state.kt,
        state.krn,
        state.ti,
        state.ken,
        state.tct,
        len(state.mfr_code),
        int(state.mfr_code),
        state.base_date,
        state.sgc,
        _NO_TIME if state.sections_at is None else state.sections_at,
    )
    packed[_KEY_AT : _KEY_AT + len(state.decoder_key)] = state.decoder_key
    for place, subclass in enumerate(KEY_SECTIONS):
        section = state.sections.get(subclass)
        if section is not None:
            at = _SECTIONS_AT + place * 6
            packed[at : at + 6] = section
    at = _STORE_AT
    for tid in state.token_identifiers:
        packed[at] = tid >> 16
        packed[at + 1] = tid >> 8 & 0xFF
        packed[at + 2] = tid & 0xFF
        at += 3
    return bytes(packed)


def unpack(packed):
    """Return the DecoderState that `pack` wrote.

    Raises:
        WrongFormat: another length or version.
    """
    if len(packed) != PACKED_SIZE or packed[0] != _VERSION:
        raise WrongFormat("this is no packed decoder state of the present version")
    fields = struct.unpack_from(_HEAD, packed, 0)
    _, ea, kt, krn, ti, ken, tct, digits, mfr_code, base_date, sgc, sections_at = fields
    state = DecoderState(ea, bytes(packed[_KEY_AT : _KEY_AT + KEY_LENGTHS[ea]]), sgc, kt, krn, ti)
    state.ken = ken
    state.tct = tct
    state.mfr_code = f"{mfr_code:04d}"[4 - digits :]
    state.base_date = base_date
    state.sections_at = None if sections_at == _NO_TIME else sections_at
    for place, subclass in enumerate(KEY_SECTIONS):
        at = _SECTIONS_AT + place * 6
        # A section's first byte carries its subclass, so zero means that there is none.
        if packed[at]:
            state.sections[subclass] = bytes(packed[at : at + 6])
    state.token_identifiers = [
        packed[at] << 16 | packed[at + 1] << 8 | packed[at + 2]
        for at in range(_STORE_AT, PACKED_SIZE, 3)
    ]
    return state
