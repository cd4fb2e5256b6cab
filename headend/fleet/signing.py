"""Signed messages at the head-end: PyJWT makes and checks the MAC, `shared.wire` reads the claims.

The reading is the meter's own strict JSON, so that both ends take a signed text the same way.
"""

from __future__ import annotations

from typing import Any

import jwt
from jwt.utils import base64url_decode

from shared.wire import jws, strict_json

# The embedded algorithm list is the pin: nothing in a message chooses how it is checked.
_ALGORITHMS = ["HS256"]
_JWS = jwt.PyJWS(algorithms=_ALGORITHMS, options={"enforce_minimum_key_length": True})


def sign(claims: dict[str, Any], key: bytes, key_id: str) -> bytes:
    """Return a compact JWS over the claims.

    Args:
        claims: what is said; integers, texts, lists and objects only.
        key: 32 bytes.
        key_id: name of the key for the receiver.
    """
    payload = strict_json.dumps(claims).encode()
    headers = {"kid": key_id, "typ": None}
    return _JWS.encode(payload, key, algorithm="HS256", headers=headers).encode()


def verify(message: bytes, key: bytes, key_id: str) -> dict[str, Any]:
    """Check a message and return its claims.

    Args:
        message: as it arrived.
        key: 32 bytes.
        key_id: the only key id taken.

    Raises:
        jws.NotAuthentic: forged, altered, malformed, another algorithm or key id.
    """
    if len(message) > jws.LONGEST:
        raise jws.BadForm("too long")
    try:
        decoded = _JWS.decode_complete(message, key, algorithms=_ALGORITHMS)
    except jwt.InvalidSignatureError as error:
        raise jws.BadSignature("the MAC is wrong") from error
    except jwt.InvalidAlgorithmError as error:
        raise jws.WrongAlgorithm("not HS256") from error
    except (jwt.PyJWTError, ValueError) as error:
        raise jws.BadForm(str(error)) from error
    if decoded["header"].get("kid") != key_id:
        raise jws.WrongKeyID(f"not {key_id}")
    try:
        strict_json.loads(base64url_decode(message.split(b".", 1)[0]))  # no equal keys there too
        claims = strict_json.loads(decoded["payload"])
    except ValueError as error:
        raise jws.BadForm(str(error)) from error
    if not isinstance(claims, dict):
        raise jws.BadForm("not an object")
    return claims
