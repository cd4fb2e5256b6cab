"""The peer of the token benchmark: EA07 written straight down with plain 64-bit integers.

It is what a first version would be, correct and used nowhere else; the tests hold the real
cipher against it.
"""

from shared.sts import sta

_ALL = (1 << 64) - 1
_Q = sta.inverse(sta.P)
_T1 = sta.inverse(sta.S2)
_T2 = sta.inverse(sta.S1)


def _substitute(word, key, key_bit, zero, one):
    """Return a word with each nibble replaced by the table that its bit of the key chooses."""
    substituted = 0
    for nibble in range(16):
        table = one if key >> (4 * nibble + key_bit) & 1 else zero
        substituted |= table[word >> 4 * nibble & 15] << 4 * nibble
    return substituted


def _permute(word, permutation):
    permuted = 0
    for bit in range(64):
        if word >> bit & 1:
            permuted |= 1 << permutation[bit]
    return permuted


def encrypt(key, block):
    """Return 8 bytes encrypted under a key of 8 bytes."""
    turned = int.from_bytes(key, "big") ^ _ALL
    turned = (turned >> 12 | turned << 52) & _ALL
    word = int.from_bytes(block, "big")
    for _ in range(16):
        word = _permute(_substitute(word, turned, 3, sta.S1, sta.S2), sta.P)
        turned = (turned << 1 | turned >> 63) & _ALL
    return word.to_bytes(8, "big")


def decrypt(key, block):
    """Return 8 bytes decrypted under a key of 8 bytes."""
    turned = int.from_bytes(key, "big")
    word = int.from_bytes(block, "big")
    for _ in range(16):
        word = _substitute(_permute(word, _Q), turned, 0, _T1, _T2)
        turned = (turned >> 1 | turned << 63) & _ALL
    return word.to_bytes(8, "big")
