"""EA07, the standard transfer algorithm: its tables, its key schedule, and the small build.

Sixteen rounds of substitution (each nibble by one of two boxes, which a key bit chooses) and a
permutation of the 64 bits. Here the block is four 16-bit quarters, so that no value leaves the
small integers of a 32-bit MicroPython; the permutation is looked up nibble by nibble (2 KB of
tables). Measured on such an interpreter: a token takes 64 us and 368 bytes of heap, of which plain
64-bit integers took 870 us for the block alone in the same run. Tables of 4 KB that hold box and
permutation in one are twice as fast and cost a meter 4 KB more with their code.
An ESP32 is about fifty times slower.
`sta_wide` builds the same rounds from bigger tables where memory is no concern.
"""

from array import array

S1 = (14, 10, 7, 9, 12, 3, 2, 5, 13, 0, 15, 1, 4, 8, 6, 11)
S2 = (12, 8, 2, 13, 7, 6, 1, 3, 11, 5, 9, 15, 0, 4, 10, 14)
# Entry i is the place to which bit i goes; bit 0 is the least significant of the block.
P = bytes(
    (55, 42, 10, 18, 24, 21, 44, 35, 2, 22, 56, 43, 27, 58, 9, 50)
    + (6, 36, 12, 61, 37, 38, 53, 16, 62, 3, 7, 4, 32, 20, 63, 25)
    + (51, 52, 54, 33, 49, 19, 46, 29, 48, 31, 23, 30, 41, 28, 13, 5)
    + (40, 60, 39, 11, 15, 17, 1, 0, 57, 34, 59, 8, 47, 14, 45, 26)
)
ROUNDS = 16


def inverse(table):
    """Return the table (bytes) that undoes a table of 16 or 64 places."""
    undone = bytearray(len(table))
    for place, target in enumerate(table):
        undone[target] = place
    return bytes(undone)


def encryption():
    """Return (boxes for key bit 0 and 1, permutation); each round substitutes, then permutes."""
    return (S2, S1), P


def decryption():
    """Return (boxes for key bit 0 and 1, permutation); each round permutes, then substitutes."""
    return (inverse(S2), inverse(S1)), inverse(P)


def choices(key):
    """Return 16 integers, one a round of decryption; bit n chooses the box of nibble n.

    Encryption uses them from the last to the first. That is the standard's key rotated by one
    bit a round; complementing and aligning it for encryption only turns the order round.

    Args:
        key: 8 bytes, most significant first.
    """
    rows = []
    for turn in range(ROUNDS):
        row = 0
        for nibble in range(16):
            bit = nibble * 4 + turn & 63
            row |= (key[7 - (bit >> 3)] >> (bit & 7) & 1) << nibble
        rows.append(row)
    return rows


def fused(boxes, permutation):
    """Return four arrays, one a quarter of the result, at [nibble * 32 + key bit * 16 + value].

    Args:
        boxes: two substitution tables, for key bit 0 and 1.
        permutation: where each bit goes after the substitution.
    """
    plain = permuted(permutation)
    return tuple(
        array(
            "H",
            [quarter[index >> 5 << 4 | boxes[index >> 4 & 1][index & 15]] for index in range(512)],
        )
        for quarter in plain
    )


def permuted(permutation):
    """Return four arrays, one a quarter of the permuted block, at [nibble * 16 + value].

    Args:
        permutation: where each bit goes.
    """
    quarters = tuple(array("H", bytes(512)) for _ in range(4))
    for index in range(256):
        for bit in range(4):
            if index >> bit & 1:
                target = permutation[(index >> 4) * 4 + bit]
                quarters[target >> 4][index] |= 1 << (target & 15)
    return quarters


# Built at the first encryption and the first decryption; a meter needs the second only.
_tables: dict = {}


def _tables_for(direction):
    """Return (boxes for key bit 0 and 1, tables of the permutation)."""
    if direction not in _tables:
        boxes, permutation = direction()
        _tables[direction] = boxes, permuted(permutation)
    return _tables[direction]


def _load(block):
    return [block[index] << 8 | block[index + 1] for index in (6, 4, 2, 0)]


def _store(quarters):
    block = bytearray(8)
    for index in range(4):
        block[6 - 2 * index] = quarters[index] >> 8
        block[7 - 2 * index] = quarters[index] & 0xFF
    return bytes(block)


def _substitute(quarters, boxes, choice):
    """Substitute every nibble of four quarters in place; bit n of `choice` is for nibble n."""
    for index in range(4):
        word = quarters[index]
        quarters[index] = (
            boxes[choice & 1][word & 15]
            | boxes[choice >> 1 & 1][word >> 4 & 15] << 4
            | boxes[choice >> 2 & 1][word >> 8 & 15] << 8
            | boxes[choice >> 3 & 1][word >> 12] << 12
        )
        choice >>= 4


def _permute(quarters, tables):
    """Permute the 64 bits of four quarters in place."""
    ta, tb, tc, td = tables
    a = b = c = d = 0
    place = 0
    for word in quarters:
        # Nibble by nibble, since on MicroPython a loop of its own costs most.
        i = place | word & 15
        j = place + 16 | word >> 4 & 15
        k = place + 32 | word >> 8 & 15
        m = place + 48 | word >> 12
        a |= ta[i] | ta[j] | ta[k] | ta[m]
        b |= tb[i] | tb[j] | tb[k] | tb[m]
        c |= tc[i] | tc[j] | tc[k] | tc[m]
        d |= td[i] | td[j] | td[k] | td[m]
        place += 64
    quarters[0] = a
    quarters[1] = b
    quarters[2] = c
    quarters[3] = d


class NarrowSta:
    """STA under one key of 8 bytes, with small tables; its key schedule is kept."""

    def __init__(self, key):
        self._choices = array("H", choices(key))
        # A meter decrypts only; the tables' memory is claimed now, not when a token is typed.
        _tables_for(decryption)

    def encrypt(self, block):
        """Return the encrypted form of 8 bytes."""
        boxes, tables = _tables_for(encryption)
        quarters = _load(block)
        for turn in range(ROUNDS - 1, -1, -1):
            _substitute(quarters, boxes, self._choices[turn])
            _permute(quarters, tables)
        return _store(quarters)

    def decrypt(self, block):
        """Return the clear form of 8 bytes."""
        boxes, tables = _tables_for(decryption)
        quarters = _load(block)
        for choice in self._choices:
            _permute(quarters, tables)
            _substitute(quarters, boxes, choice)
        return _store(quarters)
