"""Decoder keys for people and test vectors: from a vending key and a meter's attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headend.securitymodule.derivation import derive_dkga02, derive_dkga04
from shared.sts import identifiers
from shared.sts.cipher import KEY_LENGTHS
from shared.sts.errors import OutOfRange, UnknownFunction, WrongFormat

VENDING_KEY_LENGTHS = {2: 8, 4: 20}


def key_bytes(text: str, what: str, lengths: tuple[int, ...]) -> bytes:
    """Return the bytes of a key given in hexadecimal.

    Raises:
        WrongFormat: other characters, or a length in bytes that is not among `lengths`.
    """
    try:
        key = bytes.fromhex(text)
    except ValueError:
        raise WrongFormat(f"{what} is written in hexadecimal digits (0-9, a-f)") from None
    if len(key) not in lengths:
        wanted = " or ".join(str(length) for length in lengths)
        raise WrongFormat(f"{what} has {wanted} bytes, not {len(key)}")
    return key


def derive(attributes: Mapping[str, Any]) -> bytes:
    """Return the decoder key of a meter.

    Args:
        attributes: dkga (2 or 4), ea, vending_key (hex), meter_pan, sgc, kt, krn, ti, base_date.

    Raises:
        WrongFormat, OutOfRange, UnknownFunction: an attribute that is none.
    """
    dkga, ea = int(attributes["dkga"]), int(attributes["ea"])
    if dkga not in VENDING_KEY_LENGTHS:
        raise UnknownFunction(f"key generation algorithm {dkga} is not known; there are 2 and 4")
    if ea not in KEY_LENGTHS:
        raise UnknownFunction(f"encryption algorithm {ea} is not known; there are 7 and 11")
    vending_key = key_bytes(
        attributes["vending_key"],
        f"a vending key of DKGA{dkga:02d}",
        (VENDING_KEY_LENGTHS[dkga],),
    )
    pan, sgc = attributes["meter_pan"], attributes["sgc"]
    kt, krn, ti = attributes["kt"], attributes["krn"], attributes["ti"]
    if kt == 0:
        raise OutOfRange("a key of type 0 is the manufacturer's and derives from no vending key")
    if dkga == 2:
        if ea != 7:
            raise UnknownFunction("DKGA02 makes keys of encryption algorithm 7 only")
        return derive_dkga02(
            vending_key,
            identifiers.pan_block(pan, kt),
            identifiers.control_block(kt, sgc, ti, krn),
        )
    message = identifiers.dkga04_message(pan, sgc, kt, krn, ti, attributes["base_date"], ea)
    return derive_dkga04(vending_key, message, ea)


def for_vector(vector: Mapping[str, Any]) -> dict[str, str]:
    """Return the decoder keys, in hex, that checking a vector needs."""
    inputs = vector.get("inputs", {})
    if vector.get("kind") == "token" and inputs.get("class") != 1:
        return {"key": _given_or_derived(inputs)}
    if vector.get("kind") == "key_change_set":
        return {
            "old": _given_or_derived(inputs["old"]),
            "new": _given_or_derived(inputs["new"]),
        }
    return {}


def _given_or_derived(attributes: Mapping[str, Any]) -> str:
    if "vending_key" not in attributes:
        return str(attributes["decoder_key"])
    return derive(attributes).hex()
