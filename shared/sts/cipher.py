"""One door to the encryption algorithms: a cipher object for an algorithm number and a key."""

import sys

from shared.sts.errors import UnknownFunction, WrongFormat

KEY_LENGTHS = {7: 8, 11: 16}
_SMALL = sys.implementation.name == "micropython"


def make_cipher(ea, key):
    """Return an object with encrypt(block) and decrypt(block) over 8 bytes; keys stay expanded.

    Args:
        ea: encryption algorithm, 7 (STA) or 11 (MISTY1).
        key: decoder key, 8 bytes for 7, 16 bytes for 11.

    Raises:
        UnknownFunction: no such algorithm.
        WrongFormat: a key of another length.
    """
    if ea not in KEY_LENGTHS:
        raise UnknownFunction(f"encryption algorithm {ea} is not known; there are 7 and 11")
    if len(key) != KEY_LENGTHS[ea]:
        raise WrongFormat(
            f"a key of encryption algorithm {ea} has {KEY_LENGTHS[ea]} bytes, not {len(key)}"
        )
    # Loaded here, so that a meter holds only the algorithm it uses.
    if ea == 11:
        from shared.sts.misty1 import Misty1

        return Misty1(key)
    if _SMALL:
        from shared.sts.sta import NarrowSta

        return NarrowSta(key)
    from shared.sts.sta_wide import WideSta

    return WideSta(key)
