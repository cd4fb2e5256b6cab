"""Key change sets: putting the sections together, and which key types may follow which."""

from shared.sts import token as tokens

# Key type of the present key -> key types that may replace it (0 DITK, 1 DDTK, 2 DUTK, 3 DCTK).
_PERMITTED = ((0, 1, 2, 3), (1, 2, 3), (2, 1), (3, 1))
MAGNETIC_CARD = 1
COMMON_KEY = 3


def is_permitted(old_kt, new_kt, tct):
    """Return whether a key of type `new_kt` may replace one of type `old_kt`.

    Args:
        old_kt, new_kt: 0..3.
        tct: token carrier type of the meter; only a magnetic card (1) may have a common key.
    """
    if new_kt == COMMON_KEY and tct != MAGNETIC_CARD:
        return False
    return new_kt in _PERMITTED[old_kt]


def needed_sections(ea, sections):
    """Return the subclasses a set needs; a third one when section 1 announces it.

    Args:
        ea: encryption algorithm 7 or 11.
        sections: dict of subclass -> clear bytes of the sections at hand.
    """
    if ea == 11:
        return tokens.KEY_SECTIONS
    first = sections.get(tokens.KEY_SECTION_1)
    if first is not None and first[1] & 4:
        return tokens.KEY_SECTIONS[:3]
    return tokens.KEY_SECTIONS[:2]


class NewKey:
    """What a complete set says: `key`, `kt`, `krn`, `ti`, `ken`, `sgc` or None, `rollover`."""

    def __init__(self, ea, sections):
        first = sections[tokens.KEY_SECTION_1]
        second = sections[tokens.KEY_SECTION_2]
        self.ken = (first[0] & 15) << 4 | second[0] & 15
        self.krn = first[1] >> 4
        self.rollover = bool(first[1] & 8)
        self.kt = first[1] & 3
        self.ti = second[1]
        self.sgc = None
        self.key = bytes(first[2:6]) + bytes(second[2:6])
        third = sections.get(tokens.KEY_SECTION_3)
        if ea == 11:
            fourth = sections[tokens.KEY_SECTION_4]
            self.key = b"".join(bytes(part[2:6]) for part in (first, third, fourth, second))
            self.sgc = _low12(fourth) << 12 | _low12(third)
        elif first[1] & 4:
            self.sgc = _low12(third) << 12 | third[2] << 4 | third[3] >> 4


def _low12(section):
    return (section[0] & 15) << 8 | section[1]
