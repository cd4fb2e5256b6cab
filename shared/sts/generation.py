"""Making tokens: the head-end's and the tools' half, which no meter loads.

Functions named `*_block` build the clear 64 bits, checksum included; the others return digits.
"""

from shared.sts import amount, crc, identifiers, key_change, token_identifier, transport
from shared.sts import token as fields
from shared.sts.cipher import KEY_LENGTHS
from shared.sts.errors import KeyTypeRefused, OutOfRange, UnknownFunction, WrongFormat

REGISTERS = (0, 1, 2, 3, 4, 5, 6, 7, 0xFFFF)
_AMOUNT_SUBCLASSES = (fields.SET_POWER_LIMIT, fields.SET_PHASE_UNBALANCE)


def _require(value, maximum, what):
    if not 0 <= value <= maximum:
        raise OutOfRange(f"{what} is 0 to {maximum}, not {value}")


def seal(cipher, token_class, block):
    """Return the 20 digits of a clear block of class 0 or 2 under a cipher."""
    return transport.to_digits(token_class, cipher.encrypt(block))


def _identified(token_class, subclass, nibble, tid, value16):
    """Return the block of subclass 4 bits, another nibble, TID 24 bits, 16 bits, checksum."""
    _require(nibble, 15, "a random nibble")
    _require(tid, token_identifier.MAXIMUM, "a token identifier")
    _require(value16, 0xFFFF, "a 16-bit value")
    body = bytes((subclass << 4 | nibble,)) + tid.to_bytes(3, "big") + value16.to_bytes(2, "big")
    return crc.complete(token_class, body)


def credit_block(*, subclass, units, tid, rnd):
    """Return the clear block of a credit in units; arguments as `credit`."""
    if subclass not in (0, 1, 2, 3):
        raise UnknownFunction(f"credit in units has subclass 0 to 3, not {subclass}")
    return _identified(0, subclass, rnd, tid, amount.encode(units))


def credit(cipher, *, subclass=0, units, tid, rnd, ken=255):
    """Return the 20 digits of a credit token.

    Args:
        cipher: made with the meter's decoder key.
        subclass: 0 electricity, 1 water, 2 gas, 3 time.
        units: 0.1 kWh, 0.1 m3, 0.1 m3 or 0.1 minute, 0..18201624; rounded up to a code.
        tid: token identifier, from `token_identifier`.
        rnd: 0..15, to tell equal tokens apart.
        ken: key expiry number of the vending key.

    Raises:
        OutOfRange, UnknownFunction, KeyExpired.
    """
    token_identifier.require_unexpired(tid, ken)
    return seal(cipher, 0, credit_block(subclass=subclass, units=units, tid=tid, rnd=rnd))


def currency_credit_block(*, subclass, amount_e5, tid):
    """Return the clear block of a credit in currency; arguments as `currency_credit`."""
    if subclass not in (4, 5, 6, 7):
        raise UnknownFunction(f"credit in currency has subclass 4 to 7, not {subclass}")
    sign_exponent, value16 = amount.encode_currency(amount_e5)
    return _identified(0, subclass, sign_exponent, tid, value16)


def currency_credit(cipher, *, subclass=4, amount_e5, tid, ken=255):
    """Return the 20 digits of a credit in currency.

    Args:
        cipher: made with the meter's decoder key.
        subclass: 4 electricity, 5 water, 6 gas, 7 time.
        amount_e5: whole number of 0.00001 base currency units; may be negative; rounded up.
        tid, ken: as for `credit`.

    Raises:
        OutOfRange, UnknownFunction, KeyExpired.
    """
    token_identifier.require_unexpired(tid, ken)
    block = currency_credit_block(subclass=subclass, amount_e5=amount_e5, tid=tid)
    return seal(cipher, 0, block)


def management_block(*, subclass, value, tid, rnd):
    """Return the clear block of a management token; arguments as `management`."""
    if not 0 <= subclass < 16 or subclass in fields.KEY_SECTIONS:
        raise UnknownFunction(f"a management token has no subclass {subclass}")
    if subclass in _AMOUNT_SUBCLASSES:
        value = amount.encode(value)
    if subclass == fields.CLEAR_CREDIT and value not in REGISTERS:
        raise OutOfRange(f"a register to clear is 0 to 7, or 65535 for all, not {value}")
    if subclass == fields.CLEAR_TAMPER and value != 0:
        raise OutOfRange(f"clear tamper carries no value, not {value}")
    return _identified(2, subclass, rnd, tid, value)


def management(cipher, *, subclass, value=0, tid, rnd, ken=255):
    """Return the 20 digits of a meter-specific management token other than a key change.

    Args:
        cipher: made with the meter's decoder key.
        subclass: 0 power limit, 1 clear credit, 2 tariff rate, 5 clear tamper, 6 phase
            unbalance limit, 7 water factor, 10 extended set, 11..15 proprietary.
        value: watts for 0 and 6 (rounded up to a code); the register for 1; 0 for 5; else the
            16-bit field.
        tid, rnd, ken: as for `credit`.

    Raises:
        OutOfRange, UnknownFunction, KeyExpired.
    """
    token_identifier.require_unexpired(tid, ken)
    block = management_block(subclass=subclass, value=value, tid=tid, rnd=rnd)
    return seal(cipher, 2, block)


def meter_test_block(*, subclass, control, mfr_code):
    """Return the block of a class 1 token; arguments as `meter_test`."""
    if not 0 <= subclass < 16:
        raise UnknownFunction(f"a subclass is 0 to 15, not {subclass}")
    digits, bits = (4, 28) if subclass == 1 else (2, 36)
    if len(mfr_code) != digits or any(not "0" <= character <= "9" for character in mfr_code):
        raise WrongFormat(f"subclass {subclass} has a manufacturer code of {digits} digits")
    _require(control, (1 << bits) - 1, "a control field")
    body = (subclass << bits | control) << (44 - bits) | int(mfr_code)
    return crc.complete(1, body.to_bytes(6, "big"))


def meter_test(*, subclass=0, control, mfr_code):
    """Return the 20 digits of a token, not encrypted, that starts tests and displays.

    Args:
        subclass: 0 for 2-digit manufacturers, 1 for 4-digit ones, 2 extended read.
        control: the tests, test n as bit n - 1; all bits for test 0.
        mfr_code: the manufacturer's digits; zeros address every meter.

    Raises:
        OutOfRange, UnknownFunction, WrongFormat.
    """
    block = meter_test_block(subclass=subclass, control=control, mfr_code=mfr_code)
    return transport.to_digits(1, block)


def key_change_blocks(*, ea, new_key, kt, krn, ti, ken, sgc, rollover=False, tokens=None):
    """Return the clear blocks of a key change set; arguments as `key_change_set`."""
    count = _require_key_change(ea, new_key, kt, krn, ti, ken, sgc, tokens)
    flags = krn << 4 | bool(rollover) << 3 | (count == 3) << 2 | kt
    words = [new_key[start : start + 4] for start in range(0, len(new_key), 4)]
    group = int(sgc)
    bodies = [
        bytes((0x30 | ken >> 4, flags)) + words[0],
        bytes((0x40 | ken & 15, ti)) + words[-1],
    ]
    if count == 3:
        bodies.append((8 << 44 | group << 20).to_bytes(6, "big"))
    if count == 4:
        bodies.append((0x8000 | group & 0xFFF).to_bytes(2, "big") + words[1])
        bodies.append((0x9000 | group >> 12).to_bytes(2, "big") + words[2])
    return [crc.complete(2, body) for body in bodies]


def _require_key_change(ea, new_key, kt, krn, ti, ken, sgc, count):
    """Refuse what no key change set can carry; return how many tokens the set has."""
    if ea not in KEY_LENGTHS:
        raise UnknownFunction(f"encryption algorithm {ea} is not known; there are 7 and 11")
    if len(new_key) != KEY_LENGTHS[ea]:
        raise WrongFormat(f"the new key has {KEY_LENGTHS[ea]} bytes, not {len(new_key)}")
    if count is None:
        count = 4 if ea == 11 else 3
    if count not in ((4,) if ea == 11 else (2, 3)):
        raise OutOfRange(f"encryption algorithm {ea} has no key change set of {count} tokens")
    _require(kt, 3, "a key type")
    _require(krn, 9, "a key revision number")
    _require(ti, 99, "a tariff index")
    _require(ken, 255, "a key expiry number")
    if isinstance(sgc, str):
        identifiers.require_digits(sgc, (6,), "a supply group code")
    _require(int(sgc), 999999, "a supply group code")
    return count


def key_change_set(
    old_cipher,
    *,
    ea,
    new_key,
    kt,
    krn,
    ti,
    ken,
    sgc,
    rollover=False,
    tokens=None,
    old_kt=None,
    tct=None,
    tid=None,
):
    """Return the tokens, 20 digits each, that give a meter a new decoder key.

    Args:
        old_cipher: made with the meter's present decoder key.
        ea: encryption algorithm of the meter, 7 or 11.
        new_key: 8 or 16 bytes.
        kt, krn, ti, ken: new key type, revision, tariff index, expiry number.
        sgc: new supply group code, 6 digits or a number; carried by sets of 3 and 4 tokens.
        rollover: True exactly when the base date becomes a later one.
        tokens: 2 or 3 for EA07, 4 for EA11; None takes the most that the algorithm has.
        old_kt, tct: present key type and token carrier type, to refuse a change that a meter
            would refuse; None leaves that out.
        tid: identifier of the time of issue on the new base date, to refuse an expired new key.

    Raises:
        OutOfRange, UnknownFunction, WrongFormat, KeyTypeRefused, KeyExpired.
    """
    blocks = key_change_blocks(
        ea=ea,
        new_key=new_key,
        kt=kt,
        krn=krn,
        ti=ti,
        ken=ken,
        sgc=sgc,
        rollover=rollover,
        tokens=tokens,
    )
    if old_kt is not None and not key_change.is_permitted(old_kt, kt, 2 if tct is None else tct):
        raise KeyTypeRefused(f"a key of type {kt} must not replace one of type {old_kt}")
    if tid is not None:
        token_identifier.require_unexpired(tid, ken)
    return [seal(old_cipher, 2, block) for block in blocks]
