"""Who a meter is and which key is meant: check digits, PAN, and the blocks keys derive from."""

from shared.sts.errors import OutOfRange, UnknownFunction, WrongFormat

IIN_TWO_DIGIT_MANUFACTURERS = "600727"
IIN_FOUR_DIGIT_MANUFACTURERS = "0000"
KEY_BITS = {7: 64, 11: 128}
_BASE_DATES = {1993: "93", 2014: "14", 2035: "35"}


def require_digits(text, lengths, what):
    """Raise WrongFormat unless `text` is ASCII digits of one of the lengths."""
    if len(text) not in lengths:
        wanted = " or ".join(str(length) for length in lengths)
        raise WrongFormat(f"{what} has {wanted} digits, not {len(text)}: {text}")
    for character in text:
        if not "0" <= character <= "9":
            raise WrongFormat(f"{what} has only the digits 0 to 9: {text}")


def check_digit(digits):
    """Return the Luhn check digit (0..9) that follows a str of ASCII digits."""
    total = 0
    double = True
    for character in reversed(digits):
        value = ord(character) - 48
        if double:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
        double = not double
    return (10 - total % 10) % 10


def _require_check_digit(text, what):
    expected = check_digit(text[:-1])
    if int(text[-1]) != expected:
        raise WrongFormat(f"{what} {text} ends in a wrong check digit: {expected} was expected")


def make_drn(mfr_code, serial):
    """Return a meter's number: manufacturer (2 or 4 digits), serial (8 digits), check digit.

    Raises:
        WrongFormat: other lengths or characters.
    """
    require_digits(mfr_code, (2, 4), "a manufacturer code")
    require_digits(serial, (8,), "a serial number")
    return mfr_code + serial + str(check_digit(mfr_code + serial))


def require_drn(drn):
    """Raise WrongFormat unless `drn` has 11 or 13 digits and a right check digit."""
    require_digits(drn, (11, 13), "a meter number")
    _require_check_digit(drn, "meter number")


def make_pan(drn):
    """Return the 18-digit PAN of a meter number of 11 or 13 digits.

    Raises:
        WrongFormat: no such meter number.
    """
    require_drn(drn)
    payload = _iin(drn) + drn
    return payload + str(check_digit(payload))


def _iin(drn):
    return IIN_TWO_DIGIT_MANUFACTURERS if len(drn) == 11 else IIN_FOUR_DIGIT_MANUFACTURERS


def split_pan(pan):
    """Return (IIN, meter number) of a PAN; the meter number may have a check digit of any value.

    Raises:
        WrongFormat: not 18 digits, or a wrong check digit of the PAN itself.
    """
    require_pan(pan)
    length = 4 if pan.startswith(IIN_FOUR_DIGIT_MANUFACTURERS) else 6
    return pan[:length], pan[length:17]


def require_pan(pan):
    """Raise WrongFormat unless `pan` has 18 digits and a right check digit."""
    require_digits(pan, (18,), "a PAN")
    _require_check_digit(pan, "PAN")


def require_key_attributes(sgc, kt, krn, ti):
    """Raise WrongFormat or OutOfRange unless these can name a key.

    Args:
        sgc: supply group code, str of 6 digits.
        kt: key type 0..3.
        krn: key revision number 1..9.
        ti: tariff index 0..99.
    """
    require_digits(sgc, (6,), "a supply group code")
    if not 0 <= kt <= 3:
        raise OutOfRange(f"a key type is 0 to 3, not {kt}")
    if not 1 <= krn <= 9:
        raise OutOfRange(f"a key revision number is 1 to 9, not {krn}")
    if not 0 <= ti <= 99:
        raise OutOfRange(f"a tariff index is 0 to 99, not {ti}")


def pan_block(pan, kt):
    """Return the 8-byte PANBlock of DKGA02 for a PAN of 18 digits and a key type 0..3.

    The PAN without its first digit and its check digit; a common key (KT 3) leaves the account
    number out. Raises WrongFormat for a PAN that is none.
    """
    iin, _ = split_pan(pan)
    digits = pan[1:17]
    if kt == 3:
        digits = digits[: len(iin) - 1] + "0" * (17 - len(iin))
    return bytes.fromhex(digits)


def control_block(kt, sgc, ti, krn):
    """Return the 8-byte CONTROLBlock of DKGA02; the tariff index stands as decimal digits."""
    require_key_attributes(sgc, kt, krn, ti)
    return bytes.fromhex(f"{kt}{sgc}{ti:02d}{krn}ffffff")


def dkga04_message(pan, sgc, kt, krn, ti, base_date, ea):
    """Return the 49 bytes that DKGA04 authenticates with the vending key.

    Args:
        pan: 18 digits.
        sgc, kt, krn, ti: as in `require_key_attributes`.
        base_date: 1993, 2014 or 2035.
        ea: encryption algorithm 7 or 11; decides the key length in bits.

    Raises:
        WrongFormat, OutOfRange, UnknownFunction: a field that is none.
    """
    require_pan(pan)
    require_key_attributes(sgc, kt, krn, ti)
    if base_date not in _BASE_DATES:
        raise OutOfRange(f"the base date is 1993, 2014 or 2035, not {base_date}")
    if ea not in KEY_BITS:
        raise UnknownFunction(f"encryption algorithm {ea} is not known; there are 7 and 11")
    fields = b"\x04"
    for text in ("04", _BASE_DATES[base_date], f"{ea:02d}", f"{ti:02d}"):
        fields += b"\x02" + text.encode()
    fields += b"\x00\x04"
    for text in (sgc, str(kt), str(krn), pan):
        fields += bytes((len(text),)) + text.encode()
    return fields + KEY_BITS[ea].to_bytes(4, "big")
