"""Derives decoder keys from vending keys, and meters' message roots from their group's root."""

from __future__ import annotations

import hmac

from Crypto.Cipher import DES
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LINK_ROOT_LENGTH = 32
VENDING_KEY_LENGTH = {2: 8, 4: 20}  # bytes, by decoder key generation algorithm
DECODER_KEY_LENGTH = {7: 8, 11: 16}  # by encryption algorithm


def derive_dkga02(vending_key: bytes, pan_block: bytes, control_block: bytes) -> bytes:
    """Return the 8-byte decoder key of DKGA02.

    One single-DES block without padding; the vending key's parity bits do not matter to DES but
    do enter the last XOR.

    Args:
        vending_key: 8 bytes.
        pan_block: 8 bytes, see shared.sts.identifiers.pan_block.
        control_block: 8 bytes, see shared.sts.identifiers.control_block.
    """
    block = _xor(pan_block, control_block)
    # Single DES is what the standard's algorithm 02 is made of; it protects nothing else here.
    encrypted = DES.new(vending_key, DES.MODE_ECB).encrypt(block)  # noqa: S304
    return _xor(_xor(encrypted, block), vending_key)


def derive_dkga04(vending_key: bytes, message_block: bytes, ea: int) -> bytes:
    """Return the decoder key of DKGA04: the left end of one HMAC-SHA-256.

    Args:
        vending_key: 20 bytes.
        message_block: 49 bytes, see shared.sts.identifiers.dkga04_message.
        ea: encryption algorithm, 7 (8-byte key) or 11 (16-byte key).
    """
    return hmac.digest(vending_key, message_block, "sha256")[: DECODER_KEY_LENGTH[ea]]


def derive_link_root(group_root: bytes, drn: str, generation: int) -> bytes:
    """Return the 32-byte root of one meter's message keys (HKDF-SHA-256, RFC 5869).

    Args:
        group_root: secret of the supply group and generation, 32 bytes.
        drn: the meter's number.
        generation: of the root, 1 or more.
    """
    label = f"openprepay meter root|{drn}|{generation}".encode("ascii")
    return HKDF(SHA256(), length=LINK_ROOT_LENGTH, salt=None, info=label).derive(group_root)


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
