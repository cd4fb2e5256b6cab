"""Compact JWS with HS256 (RFC 7515), the one form of every signed message on the wire.

The algorithm is pinned: the MAC is computed as HS256 before anything of a message is read.
"""

import binascii

from shared.wire import strict_json
from shared.wire.keys import equal, hmac_sha256

LONGEST = 8192  # bytes; profile pages are the longest messages
# Base64 is made and read in pieces of so many bytes and as many letters.
_BYTES = 48
_LETTERS = 64


class NotAuthentic(ValueError):
    """The message was not made by the holder of the key, or not for this use."""


class BadSignature(NotAuthentic):
    """The MAC is wrong: forged, altered, or for another key."""


class BadForm(NotAuthentic):
    """It is no compact JWS in ASCII, or its JSON is not as messages use it."""


class WrongAlgorithm(NotAuthentic):
    """The header names another algorithm than HS256."""


class WrongKeyID(NotAuthentic):
    """The header names another key."""


def sign(claims, key, key_id):
    """Return a signed message, bytes in ASCII.

    Args:
        claims: dict, or bytes of JSON that are signed as they are.
        key: 32 bytes.
        key_id: name of the key for the receiver, for example "up0".
    """
    message = bytearray()
    sign_onto(message, claims, key, key_id)
    return bytes(message)


def sign_onto(message, claims, key, key_id):
    """Append a signed message to a bytearray, piece by piece.

    A meter keeps such buffers: in its heap there is seldom room for a message in one piece.

    Args:
        message: bytearray.
        claims, key, key_id: as of `sign`.
    """
    start = len(message)
    _append(message, ('{"alg":"HS256","kid":"' + key_id + '"}').encode())
    message.extend(b".")
    if isinstance(claims, dict):
        left = b""
        opening = "{"
        for name, value in claims.items():
            member = opening + strict_json.dumps(name) + ":" + strict_json.dumps(value)
            left = _append(message, left + member.encode(), False)
            opening = ","
        claims = left + (b"}" if claims else b"{}")
    _append(message, claims)
    mac = hmac_sha256(key, memoryview(message)[start:])
    message.extend(b".")
    _append(message, mac)


def _append(message, data, is_end=True):
    """Append the base64url of `data` to a bytearray; return the bytes kept back.

    Args:
        message: bytearray.
        data: bytes.
        is_end: False keeps back what does not fill a group of three bytes.
    """
    whole = len(data) if is_end else len(data) // 3 * 3
    for start in range(0, whole, _BYTES):
        message.extend(_encode(data[start : min(start + _BYTES, whole)]))
    return data[whole:]


def verify(message, key, key_id, scratch=None):
    """Check a signed message and return its claims.

    Args:
        message: bytes or bytearray as it arrived.
        key: 32 bytes.
        key_id: the only key id taken.
        scratch: a bytearray to use, overwritten; a new one by default.

    Returns:
        dict of the claims.

    Raises:
        BadForm, BadSignature, WrongAlgorithm, WrongKeyID: all of them NotAuthentic.
    """
    dot = second = -1
    if len(message) <= LONGEST:
        dot = message.find(b".")
        second = message.find(b".", dot + 1)
    if dot < 0 or second < 0 or message.find(b".", second + 1) >= 0:
        raise BadForm("not three parts")
    view = memoryview(message)
    # The MAC's text is compared, not its bytes, so there is one spelling of it only.
    if not equal(view[second + 1 :], _encode(hmac_sha256(key, view[:second]))):
        raise BadSignature("the MAC is wrong")
    if scratch is None:
        scratch = bytearray()
    header = _object(view[:dot], scratch)
    if header.get("alg") != "HS256" or "crit" in header:
        raise WrongAlgorithm("not HS256")
    if header.get("kid") != key_id:
        raise WrongKeyID("not " + key_id)
    return _object(view[dot + 1 : second], scratch)


def _object(text, scratch):
    scratch[:] = b""
    try:
        for start in range(0, len(text), _LETTERS):
            scratch.extend(_decode(bytes(text[start : start + _LETTERS])))
        found = strict_json.loads(scratch)
    except ValueError as error:
        raise BadForm(str(error))  # noqa: B904
    if not isinstance(found, dict):
        raise BadForm("not an object")
    return found


def _encode(data):
    text = binascii.b2a_base64(data)[:-1]
    return text.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=")


def _decode(text):
    data = text.replace(b"-", b"+").replace(b"_", b"/") + b"=" * (-len(text) % 4)
    data = binascii.a2b_base64(data)
    if _encode(data) != text:
        raise ValueError("not base64url")
    return data
