"""The fields of a clear token: one object over its 64-bit data block, read as they are asked."""

from shared.sts import amount

CREDIT_CLASS = 0
METER_CLASS = 1
MANAGEMENT_CLASS = 2

# Subclasses of class 1 and class 2 that have names of their own in the rules.
EXTENDED_READ = 2
SET_POWER_LIMIT = 0
CLEAR_CREDIT = 1
SET_TARIFF_RATE = 2
KEY_SECTION_1 = 3
KEY_SECTION_2 = 4
CLEAR_TAMPER = 5
SET_PHASE_UNBALANCE = 6
SET_WATER_FACTOR = 7
KEY_SECTION_3 = 8
KEY_SECTION_4 = 9
EXTENDED_SET = 10

KEY_SECTIONS = (KEY_SECTION_1, KEY_SECTION_2, KEY_SECTION_3, KEY_SECTION_4)
# How many subclasses of each class are defined; those above are reserved or proprietary.
DEFINED_SUBCLASSES = (8, 3, 11, 0)


class Token:
    """A token in clear, its checksum already verified.

    Attributes:
        token_class: 0 credit, 1 meter test or display, 2 management.
        block: 8 bytes, 4 bits of subclass first.
    """

    def __init__(self, token_class, block):
        self.token_class = token_class
        self.block = block

    @property
    def subclass(self):
        """Subclass 0..15."""
        return self.block[0] >> 4

    @property
    def is_defined(self):
        """Whether the standard defines this class and subclass."""
        return self.subclass < DEFINED_SUBCLASSES[self.token_class]

    @property
    def is_key_section(self):
        """Whether this is one token of a key change set."""
        return self.token_class == MANAGEMENT_CLASS and self.subclass in KEY_SECTIONS

    @property
    def is_currency(self):
        """Whether this is a credit in currency."""
        return self.token_class == CREDIT_CLASS and 4 <= self.subclass <= 7

    @property
    def rnd(self):
        """Four random bits (class 0 subclass 0..3, class 2), else whatever stands there."""
        return self.block[0] & 15

    @property
    def tid(self):
        """Token identifier, minutes since the base date (classes 0 and 2, no key sections)."""
        return self.block[1] << 16 | self.block[2] << 8 | self.block[3]

    @property
    def value16(self):
        """The 16-bit field after the token identifier, as it stands."""
        return self.block[4] << 8 | self.block[5]

    @property
    def units(self):
        """Credit in 0.1 units, or a limit in watts: value16 decoded."""
        return amount.decode(self.value16)

    @property
    def currency_amount(self):
        """Currency credit in 0.00001 of the base currency unit; may be negative."""
        return amount.decode_currency(self.rnd, self.value16)

    @property
    def control(self):
        """Tests that a class 1 token selects, test n as bit n - 1."""
        body = int.from_bytes(self.block[:6], "big")
        if self.subclass == 1:
            return body >> 16 & 0xFFFFFFF
        return body >> 8 & 0xFFFFFFFFF

    @property
    def mfr_code(self):
        """Manufacturer code of a class 1 token, as a number; 0 addresses every meter."""
        return self.value16 if self.subclass == 1 else self.block[5]
