"""EA07, the standard transfer algorithm: its tables, its key schedule, and the small build.

Sixteen rounds of substitution (each nibble by one of two boxes, which a key bit chooses) and a
permutation of the 64 bits. Here the block is four 16-bit quarters, so that no value leaves the
small integers of a 32-bit MicroPython, and a round finds 16 nibbles in tables (4 KB) that hold
box and permutation in one. Measured on such an interpreter: a block takes 29 us and 288 bytes
of heap; its rounds alone 23 us, which as a loop over nibbles took 55 us. Plain 64-bit integers
took 390 us and 121 KB. An ESP32 is about fifty times slower.
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
    quarters = tuple(array("H", bytes(1024)) for _ in range(4))
    for index in range(512):
        substituted = boxes[index >> 4 & 1][index & 15]
        for bit in range(4):
            if substituted >> bit & 1:
                target = permutation[(index >> 5) * 4 + bit]
                quarters[target >> 4][index] |= 1 << (target & 15)
    return quarters


# Built at the first encryption and the first decryption; a meter needs the second only.
_tables: dict = {}


def _tables_for(direction):
    """Return (boxes for key bit 0 and 1, tables of the fused rounds)."""
    if direction not in _tables:
        boxes, permutation = direction()
        _tables[direction] = boxes, fused(boxes, permutation)
    return _tables[direction]


def _offsets(choice):
    return tuple(nibble * 32 + (choice >> nibble & 1) * 16 for nibble in range(16))


def _load(block):
    return [block[index] << 8 | block[index + 1] for index in (6, 4, 2, 0)]


def _store(quarters):
    block = bytearray(8)
    for index in range(4):
        block[6 - 2 * index] = quarters[index] >> 8
        block[7 - 2 * index] = quarters[index] & 0xFF
    return bytes(block)


def _substitute(quarters, boxes, choice):
    """Substitute every nibble of four quarters in place."""
    for index in range(4):
        word = quarters[index]
        substituted = 0
        for shift in (0, 4, 8, 12):
            substituted |= boxes[choice & 1][word >> shift & 15] << shift
            choice >>= 1
        quarters[index] = substituted


# fmt: off
def _run(quarters, rows, tables):
    """Return four quarters after one fused round for each row of table offsets.

    Written out nibble by nibble, since on MicroPython the loop itself costs most.
    """
    ta, tb, tc, td = tables
    a, b, c, d = quarters
    for i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x in rows:  # noqa: E741
        i |= a & 15; j |= a >> 4 & 15; k |= a >> 8 & 15; l |= a >> 12  # noqa: E702, E741
        m |= b & 15; n |= b >> 4 & 15; o |= b >> 8 & 15; p |= b >> 12  # noqa: E702
        q |= c & 15; r |= c >> 4 & 15; s |= c >> 8 & 15; t |= c >> 12  # noqa: E702
        u |= d & 15; v |= d >> 4 & 15; w |= d >> 8 & 15; x |= d >> 12  # noqa: E702
        a = (ta[i] | ta[j] | ta[k] | ta[l] | ta[m] | ta[n] | ta[o] | ta[p]
             | ta[q] | ta[r] | ta[s] | ta[t] | ta[u] | ta[v] | ta[w] | ta[x])
        b = (tb[i] | tb[j] | tb[k] | tb[l] | tb[m] | tb[n] | tb[o] | tb[p]
             | tb[q] | tb[r] | tb[s] | tb[t] | tb[u] | tb[v] | tb[w] | tb[x])
        c = (tc[i] | tc[j] | tc[k] | tc[l] | tc[m] | tc[n] | tc[o] | tc[p]
             | tc[q] | tc[r] | tc[s] | tc[t] | tc[u] | tc[v] | tc[w] | tc[x])
        d = (td[i] | td[j] | td[k] | td[l] | td[m] | td[n] | td[o] | td[p]
             | td[q] | td[r] | td[s] | td[t] | td[u] | td[v] | td[w] | td[x])
    return [a, b, c, d]
# fmt: on


class NarrowSta:
    """STA under one key of 8 bytes, with small tables; its key schedule is kept."""

    def __init__(self, key):
        rows = choices(key)
        self._last_choice = rows[-1]
        # The row before the first is decryption's extra round.
        self._rows = [_offsets(choice) for choice in [0] + rows]
        # A meter decrypts only; the tables' memory is claimed now, not when a token is typed.
        _tables_for(decryption)

    def encrypt(self, block):
        """Return the encrypted form of 8 bytes."""
        _, tables = _tables_for(encryption)
        return _store(_run(_load(block), self._rows[:0:-1], tables))

    def decrypt(self, block):
        """Return the clear form of 8 bytes.

        A round of decryption permutes first, while a fused round permutes last. So the block
        goes backwards through the box of key bit 0, a fused round with key bits 0 brings it
        back permuted, fifteen more follow, and the last substitution stands alone.
        """
        boxes, tables = _tables_for(decryption)
        quarters = _load(block)
        _substitute(quarters, (S2,), 0)
        quarters = _run(quarters, self._rows[:-1], tables)
        _substitute(quarters, boxes, self._last_choice)
        return _store(quarters)
