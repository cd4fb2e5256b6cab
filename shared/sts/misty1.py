"""EA11, MISTY1 with eight rounds (RFC 2994), in 16-bit words on every interpreter.

All values stay small integers on a 32-bit MicroPython; a block was measured there at 9 us and
304 bytes of heap. (An ESP32 is about fifty times slower.)
"""

from array import array

_S7 = bytes(
    (27, 50, 51, 90, 59, 16, 23, 84, 91, 26, 114, 115, 107, 44, 102, 73)
    + (31, 36, 19, 108, 55, 46, 63, 74, 93, 15, 64, 86, 37, 81, 28, 4)
    + (11, 70, 32, 13, 123, 53, 68, 66, 43, 30, 65, 20, 75, 121, 21, 111)
    + (14, 85, 9, 54, 116, 12, 103, 83, 40, 10, 126, 56, 2, 7, 96, 41)
    + (25, 18, 101, 47, 48, 57, 8, 104, 95, 120, 42, 76, 100, 69, 117, 61)
    + (89, 72, 3, 87, 124, 79, 98, 60, 29, 33, 94, 39, 106, 112, 77, 58)
    + (1, 109, 110, 99, 24, 119, 35, 5, 38, 118, 0, 49, 45, 122, 127, 97)
    + (80, 34, 17, 6, 71, 22, 82, 78, 113, 62, 105, 67, 52, 92, 88, 125)
)
# S9 is quadratic: the change that input bit i makes is a constant plus one more constant for
# each lower bit that is set. Row i holds those; 512 words follow from them in 1 KB.
_S9_AT_ZERO = 451
_S9_CHANGES = (
    (264,),
    (144, 452),
    (32, 2, 392),
    (66, 48, 6, 146),
    (260, 133, 96, 12, 38),
    (136, 273, 9, 320, 24, 78),
    (16, 6, 161, 19, 384, 48, 284),
    (34, 384, 12, 65, 37, 128, 96, 184),
    (68, 354, 128, 24, 259, 73, 2, 320, 112),
)


def _build_s9():
    table = array("H", (_S9_AT_ZERO,))
    for bit, row in enumerate(_S9_CHANGES):
        for lower in range(1 << bit):
            value = table[lower] ^ row[0]
            for place in range(bit):
                if lower >> place & 1:
                    value ^= row[place + 1]
            table.append(value)
    return table


_S9 = _build_s9()


def _mix(word, low7, low9):
    """FI: mix 16 bits with 7 and 9 bits of key."""
    nine = _S9[word >> 7] ^ word & 0x7F
    seven = _S7[word & 0x7F] ^ nine & 0x7F ^ low7
    nine ^= low9
    return seven << 9 | _S9[nine] ^ seven


def _round(high, low, keys):
    """FO: return 32 bits, as two words, that depend on 32 bits and the keys of one round."""
    s7 = _S7
    s9 = _S9
    for whitening, low7, low9 in keys[0]:
        word = high ^ whitening
        # FI written out: a call costs more than its work on MicroPython.
        nine = s9[word >> 7] ^ word & 0x7F
        seven = s7[word & 0x7F] ^ nine & 0x7F ^ low7
        high = low
        low ^= seven << 9 | s9[nine ^ low9] ^ seven
    return high ^ keys[1], low


class Misty1:
    """MISTY1 under one key of 16 bytes; its key schedule is kept."""

    def __init__(self, key):
        plain = [key[index] << 8 | key[index + 1] for index in range(0, 16, 2)]
        mixed = [
            _mix(plain[index], plain[(index + 1) & 7] >> 9, plain[(index + 1) & 7] & 0x1FF)
            for index in range(8)
        ]
        self._rounds = [_round_keys(plain, mixed, number) for number in range(8)]
        # FL 2n works with (plain[n], mixed[n + 6]), FL 2n + 1 with (mixed[n + 2], plain[n + 4]).
        self._layers = [
            (
                (plain[number], mixed[(number + 6) & 7]),
                (mixed[(number + 2) & 7], plain[(number + 4) & 7]),
            )
            for number in range(5)
        ]

    def encrypt(self, block):
        """Return the encrypted form of 8 bytes."""
        a, b, c, d = _load(block)
        for number in range(4):
            (both, either), (both_right, either_right) = self._layers[number]
            b ^= a & both
            a ^= b | either
            d ^= c & both_right
            c ^= d | either_right
            high, low = _round(a, b, self._rounds[2 * number])
            c ^= high
            d ^= low
            high, low = _round(c, d, self._rounds[2 * number + 1])
            a ^= high
            b ^= low
        (both, either), (both_right, either_right) = self._layers[4]
        b ^= a & both
        a ^= b | either
        d ^= c & both_right
        c ^= d | either_right
        return _store(c, d, a, b)

    def decrypt(self, block):
        """Return the clear form of 8 bytes."""
        c, d, a, b = _load(block)
        for number in (4, 3, 2, 1, 0):
            (both, either), (both_right, either_right) = self._layers[number]
            a ^= b | either
            b ^= a & both
            c ^= d | either_right
            d ^= c & both_right
            if number == 0:
                break
            high, low = _round(c, d, self._rounds[2 * number - 1])
            a ^= high
            b ^= low
            high, low = _round(a, b, self._rounds[2 * number - 2])
            c ^= high
            d ^= low
        return _store(a, b, c, d)


def _round_keys(plain, mixed, number):
    """Return the three (whitening, 7 bits, 9 bits) and the last whitening of one FO."""
    turns = []
    for whitening, mixing in ((0, 5), (2, 1), (7, 3)):
        key = mixed[(number + mixing) & 7]
        turns.append((plain[(number + whitening) & 7], key >> 9, key & 0x1FF))
    return tuple(turns), plain[(number + 4) & 7]


def _load(block):
    return [block[index] << 8 | block[index + 1] for index in (0, 2, 4, 6)]


def _store(*words):
    block = bytearray(8)
    for index in range(4):
        block[2 * index] = words[index] >> 8
        block[2 * index + 1] = words[index] & 0xFF
    return bytes(block)
