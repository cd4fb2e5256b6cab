"""A security key and an authenticator app made of software, for tests."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from datetime import datetime
from typing import Any

import cbor2
import pyotp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT_AND_VERIFIED, _NEW_CREDENTIAL = 0x05, 0x40


def app_code(secret: str, at: datetime) -> str:
    """Return what an authenticator app shows."""
    return pyotp.TOTP(secret).at(at)


class SecurityKey:
    """Makes one passkey and signs with it, as a browser would pass it on.

    Args:
        host: the site's name, to which the passkey belongs.
        origin: where the browser thinks it is.
    """

    def __init__(self, host: str = "testserver", origin: str = "http://testserver") -> None:
        self.host, self.origin = host, origin
        self.credential_id = b"one passkey of these tests"
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options: str) -> str:
        """Answer the options of a new passkey."""
        numbers = self._key.public_key().public_numbers()
        public_key = cbor2.dumps(
            {
                1: 2,
                3: -7,
                -1: 1,
                -2: numbers.x.to_bytes(32, "big"),
                -3: numbers.y.to_bytes(32, "big"),
            }
        )
        length = struct.pack(">H", len(self.credential_id))
        attested = bytes(16) + length + self.credential_id + public_key
        data = self._data(_PRESENT_AND_VERIFIED | _NEW_CREDENTIAL) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: str) -> str:
        """Answer the options of asking for the passkey."""
        self.count += 1
        data = self._data(_PRESENT_AND_VERIFIED)
        client = self._client("webauthn.get", options)
        signed = data + hashlib.sha256(client).digest()
        signature = self._key.sign(signed, ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, flags: int) -> bytes:
        site = hashlib.sha256(self.host.encode()).digest()
        return site + bytes([flags]) + struct.pack(">I", self.count)

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        said: dict[str, Any] = {"type": kind, "challenge": challenge, "origin": self.origin}
        return json.dumps(said).encode()

    def _answer(self, **response: bytes) -> str:
        name = _text(self.credential_id)
        given = {field: _text(one) for field, one in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": given})


def _text(clear: bytes) -> str:
    return base64.urlsafe_b64encode(clear).rstrip(b"=").decode()
