"""Twenty decimal digits and back: 64 bits with two class bits put in, written in decimal."""

from shared.sts.errors import WrongFormat


def from_digits(digits):
    """Take the class bits out of a 20-digit token.

    Args:
        digits: str of exactly 20 ASCII digits.

    Returns:
        tuple: (token class 0..3, the other 64 bits as 8 bytes).

    Raises:
        WrongFormat: another length, another character, or a number above 2^66 - 1.
    """
    if len(digits) != 20:
        raise WrongFormat(f"a token has 20 digits, this has {len(digits)}")
    for character in digits:
        if not "0" <= character <= "9":
            raise WrongFormat("a token has only the digits 0 to 9")
    number = int(digits).to_bytes(9, "big")
    if number[0] > 3:
        raise WrongFormat("no token is above 73786976294838206463")
    block = bytearray(number)
    # Bits 28 and 27 are bits 4 and 3 of the fifth byte of the block; bits 65 and 64 go there.
    block[5] = block[5] & 0xE7 | block[0] << 3
    return number[5] >> 3 & 3, block[1:]


def to_digits(token_class, block):
    """Return the 20 digits of a class (0..3) and the 8 bytes that are transmitted."""
    number = bytearray(1) + bytearray(block)
    number[0] = number[5] >> 3 & 3
    number[5] = number[5] & 0xE7 | token_class << 3
    return f"{int.from_bytes(number, 'big'):020d}"


def grouped(digits):
    """Return a token as it is printed: five groups of four digits."""
    return " ".join(digits[start : start + 4] for start in range(0, 20, 4))
