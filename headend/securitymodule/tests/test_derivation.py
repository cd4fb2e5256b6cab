"""Decoder keys against published values; message roots against an independent HKDF."""

import hashlib
import hmac

import pytest

from headend.securitymodule.derivation import derive_dkga02, derive_dkga04, derive_link_root
from shared.sts import identifiers

PAN = "600727000000000009"
VENDING_KEY_160 = bytes.fromhex("abababababababab949494949494949401234567")


def test_dkga02_published_value():
    key = derive_dkga02(
        bytes.fromhex("abababababababab"),
        identifiers.pan_block(PAN, 2),
        identifiers.control_block(2, "123456", 1, 1),
    )
    assert key.hex() == "e653341f9d5bf36f"


def test_dkga02_keeps_the_parity_bits_of_the_vending_key():
    blocks = bytes(8), bytes(8)
    even, odd = (derive_dkga02(bytes([byte] * 8), *blocks) for byte in (0x10, 0x11))
    assert bytes(a ^ b for a, b in zip(even, odd, strict=True)) == bytes([1] * 8)


@pytest.mark.parametrize(
    ("ea", "expected"),
    [(7, "87f3ecbb2e46b48f"), (11, "929bd3a415c9420a05ec5ee9f3ce91c3")],
)
def test_dkga04_published_values(ea, expected):
    message = identifiers.dkga04_message(PAN, "201457", 2, 1, 1, 2014, ea)
    assert derive_dkga04(VENDING_KEY_160, message, ea).hex() == expected


def test_link_root_is_hkdf_sha256():
    group_root, drn, generation = bytes(range(32)), "04100000019", 3
    extracted = hmac.digest(bytes(32), group_root, hashlib.sha256)
    info = b"openprepay meter root|04100000019|3"
    expected = hmac.digest(extracted, info + b"\x01", hashlib.sha256)
    assert derive_link_root(group_root, drn, generation) == expected


def test_link_roots_differ_by_meter_and_generation():
    roots = {derive_link_root(bytes(32), drn, n) for drn in ("1", "2") for n in (1, 2, 11)}
    assert len(roots) == 6
