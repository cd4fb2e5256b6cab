"""Both ends' signatures agree, and neither takes what the other refuses."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.fleet import signing
from shared.wire import jws

KEY = bytes(range(32))
CLAIMS = st.dictionaries(
    st.text(max_size=8).filter(str.isascii),
    st.integers(-(10**12), 10**12) | st.text(max_size=20) | st.booleans() | st.none(),
    max_size=6,
)


@given(claims=CLAIMS)
def test_both_ends_make_the_same_bytes(claims: dict[str, object]) -> None:
    assert signing.sign(claims, KEY, "up0") == jws.sign(claims, KEY, "up0")


@given(claims=CLAIMS)
def test_each_reads_the_others(claims: dict[str, object]) -> None:
    made_here, made_there = signing.sign(claims, KEY, "up0"), jws.sign(claims, KEY, "up0")
    assert jws.verify(made_here, KEY, "up0") == signing.verify(made_there, KEY, "up0")


def _token(header: str, payload: str, key: bytes = KEY) -> bytes:
    """Return a JWS over any texts, correctly signed."""
    signing_input = b".".join(_b64(part.encode()) for part in (header, payload))
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        signing_input, key
    )
    return signing_input + b"." + _b64(mac)


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


GOOD_HEADER = '{"alg":"HS256","kid":"up0"}'


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (b"", jws.BadForm),
        (b"a.b", jws.BadForm),
        (b"\xff\xfe.\x00.\x01", jws.BadForm),
        (b"x" * 9000, jws.BadForm),
        (_token(GOOD_HEADER, "{}")[:-3] + b"AAA", jws.BadSignature),
        (_token(GOOD_HEADER, "{}", bytes(32)), jws.BadSignature),
        (_token('{"alg":"none","kid":"up0"}', "{}"), jws.WrongAlgorithm),
        (_token('{"alg":"HS512","kid":"up0"}', "{}"), jws.WrongAlgorithm),
        (_token('{"alg":"HS256","kid":"up1"}', "{}"), jws.WrongKeyID),
        (_token('{"alg":"HS256"}', "{}"), jws.WrongKeyID),
        (_token('{"alg":"HS256","kid":"up1","kid":"up0"}', "{}"), jws.BadForm),
        (_token(GOOD_HEADER, '{"n":1,"n":2}'), jws.BadForm),
        (_token(GOOD_HEADER, "[]"), jws.BadForm),
        (_token(GOOD_HEADER, '{"n":1.5}'), jws.BadForm),
        (_token(GOOD_HEADER, '{"n":\u0661}'), jws.BadForm),
        (_token(GOOD_HEADER, "not json"), jws.BadForm),
    ],
)
def test_both_ends_refuse(message: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        signing.verify(message, KEY, "up0")
    with pytest.raises(jws.NotAuthentic):
        jws.verify(message, KEY, "up0")


def test_every_changed_byte_is_noticed() -> None:
    good = signing.sign({"n": 1, "cmd": "ping"}, KEY, "up0")
    assert json.loads(json.dumps(signing.verify(good, KEY, "up0"))) == {"n": 1, "cmd": "ping"}
    for place in range(len(good)):
        bad = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
        with pytest.raises(jws.NotAuthentic):
            signing.verify(bad, KEY, "up0")
