"""HMAC-SHA256, HKDF and the keys that protect messages between the head-end and one meter."""

import hashlib

_BLOCK = 64  # block size of SHA-256 in bytes


def hmac_sha256(key, message):
    """Return the 32-byte HMAC-SHA256 of `message` (bytes) under `key` (bytes); RFC 2104."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    inner = bytearray(b"\x36" * _BLOCK)
    outer = bytearray(b"\x5c" * _BLOCK)
    for place, byte in enumerate(key):
        inner[place] ^= byte
        outer[place] ^= byte
    digest = hashlib.sha256(inner)
    digest.update(message)
    outside = hashlib.sha256(outer)
    outside.update(digest.digest())
    return outside.digest()


def equal(one, other):
    """Compare two byte strings in a time that does not tell where they differ."""
    if len(one) != len(other):
        return False
    difference = 0
    for place in range(len(one)):
        difference |= one[place] ^ other[place]
    return difference == 0


def hkdf(secret, salt, info, length=32):
    """Return `length` (1..8160) bytes derived from `secret` by HKDF-SHA256; RFC 5869.

    Args:
        secret: input keying material, bytes.
        salt: bytes; empty means 32 zero bytes, as the RFC says.
        info: what the derived key is for, bytes.
        length: bytes wanted.
    """
    extracted = hmac_sha256(salt or bytes(32), secret)
    block = b""
    output = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = hmac_sha256(extracted, block + info + bytes([counter]))
        output += block
    return output[:length]


def derive_link_keys(root, generation):
    """Return the keys of one generation of a meter's link.

    Args:
        root: the meter's 32-byte secret, written at provisioning.
        generation: 0..65535; `rekey` moves to the next one.

    Returns:
        (up, down, update): 32 bytes each, for what the meter sends, what it is sent, and
        firmware updates.
    """
    number = bytes([generation >> 8, generation & 255])
    return (
        hkdf(root, b"", b"openprepay link up" + number),
        hkdf(root, b"", b"openprepay link down" + number),
        hkdf(root, b"", b"openprepay link update" + number),
    )


def key_id(direction, generation):
    """Return the key id that messages carry, for example "up0".

    Args:
        direction: "up" or "down".
        generation: number of the link key's generation.
    """
    return f"{direction}{generation}"
