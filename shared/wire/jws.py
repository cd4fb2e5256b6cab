"""Compact JWS with HS256 (RFC 7515), the one form of every signed message on the wire.

The algorithm is pinned: the MAC is computed as HS256 before anything of a message is read.
"""

import binascii

from shared.wire import strict_json
from shared.wire.keys import equal, hmac_sha256

LONGEST = 8192  # bytes; profile pages are the longest messages


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
    if isinstance(claims, dict):
        claims = strict_json.dumps(claims).encode()
    header = '{"alg":"HS256","kid":"' + key_id + '"}'
    message = _encode(header.encode()) + b"." + _encode(claims)
    return message + b"." + _encode(hmac_sha256(key, message))


def verify(message, key, key_id):
    """Check a signed message and return its claims.

    Args:
        message: bytes as they arrived.
        key: 32 bytes.
        key_id: the only key id taken.

    Returns:
        dict of the claims.

    Raises:
        BadForm, BadSignature, WrongAlgorithm, WrongKeyID: all of them NotAuthentic.
    """
    parts = bytes(message).split(b".") if len(message) <= LONGEST else ()
    if len(parts) != 3:
        raise BadForm("not three parts")
    header, claims, signature = parts
    # The MAC's text is compared, not its bytes, so there is one spelling of it only.
    if not equal(signature, _encode(hmac_sha256(key, header + b"." + claims))):
        raise BadSignature("the MAC is wrong")
    header = _object(header)
    if header.get("alg") != "HS256" or "crit" in header:
        raise WrongAlgorithm("not HS256")
    if header.get("kid") != key_id:
        raise WrongKeyID("not " + key_id)
    return _object(claims)


def _object(text):
    try:
        found = strict_json.loads(_decode(text))
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
