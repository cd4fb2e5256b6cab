"""Wire formats: the shared facts on every interpreter, and against the libraries of others."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.wire import (
    cobs,
    code_names,
    codes,
    commands,
    frames,
    jws,
    keys,
    messages,
    strict_json,
    topics,
)
from shared.wire.tests import check_wire
from shared.wire.tests.check_wire import DRN, KEY

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\é', max_size=3), inner)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", [name for name in dir(check_wire) if name.startswith("test_")])
def test_wire(name: str) -> None:
    getattr(check_wire, name)()


def test_wire_on_micropython(run_on_micropython: Any) -> None:
    assert "0 failed" in run_on_micropython("shared.wire.tests.check_wire")


def test_pyjwt_reads_what_we_sign() -> None:
    claims = {"sub": DRN, "n": 7, "text": "é"}
    message = jws.sign(claims, KEY, "up0").decode()
    assert jwt.decode(message, KEY, algorithms=["HS256"], options={"verify_iat": False}) == claims
    assert jwt.get_unverified_header(message) == {"alg": "HS256", "kid": "up0"}


def test_we_read_what_pyjwt_signs() -> None:
    claims = {"sub": DRN, "n": 7, "text": "é", "list": [1, {"a": None}]}
    message = jwt.encode(claims, KEY, algorithm="HS256", headers={"kid": "down3"}).encode()
    assert jws.verify(message, KEY, "down3") == claims


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_other_algorithms_of_pyjwt_are_refused(algorithm: str) -> None:
    key = "" if algorithm == "none" else KEY * 2
    message = jwt.encode({"n": 7}, key, algorithm=algorithm, headers={"kid": "up0"}).encode()
    with pytest.raises(jws.NotAuthentic):
        jws.verify(message, KEY * 2, "up0")


@given(st.binary(min_size=1, max_size=100), st.binary(max_size=80), st.binary(max_size=40))
def test_hkdf_as_in_cryptography(secret: bytes, salt: bytes, info: bytes) -> None:
    reference = HKDF(SHA256(), 77, salt or None, info).derive(secret)
    assert keys.hkdf(secret, salt, info, 77) == reference


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
@settings(max_examples=60)
def test_json_comes_back_and_is_what_json_reads(value: dict[str, Any]) -> None:
    text = strict_json.dumps(value)
    assert json.loads(text) == json.loads(json.dumps(value).encode())
    if max(map(ord, json.dumps(value, ensure_ascii=False)), default=0) < 0x10000:
        try:
            assert strict_json.loads(text) == value
        except strict_json.BadJSON as error:
            assert str(error) == "too deep"  # noqa: PT017 - depth is not what is tested here


@given(st.text('{}[]:,"\\u0123 aentruefls.-', max_size=24))
@settings(max_examples=300)
def test_what_we_read_json_reads_the_same(text: str) -> None:
    try:
        value = strict_json.loads(text)
    except strict_json.BadJSON:
        return
    assert json.loads(text) == value


@given(st.binary(max_size=600))
def test_cobs_comes_back(data: bytes) -> None:
    stuffed = cobs.encode(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + 1 + len(data) // 254
    assert cobs.decode(stuffed) == data


@given(st.sampled_from([253, 254, 255, 508, 509]), st.booleans())
def test_cobs_at_block_borders(length: int, zero_after: bool) -> None:
    data = b"x" * length + (b"\0" if zero_after else b"")
    assert cobs.decode(cobs.encode(data)) == data


@given(
    st.lists(st.binary(max_size=48), max_size=5),
    st.lists(st.integers(1, 20), min_size=1, max_size=8),
)
def test_frames_in_any_pieces(payloads: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(
        frames.encode(frames.KEYPAD, frames.METER, number, frames.SHOW, payload)
        for number, payload in enumerate(payloads)
    )
    reader = frames.FrameReader()
    found = []
    at = 0
    turn = 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += reader.feed(stream[at : at + size])
        at += size
        turn += 1
    assert [frame[4] for frame in found] == payloads
    assert [frame[2] for frame in found] == list(range(len(payloads)))
    assert reader.damaged == 0


@given(st.binary(max_size=200))
def test_random_bytes_are_no_frame_and_break_nothing(noise: bytes) -> None:
    reader = frames.FrameReader()
    assert reader.feed(noise + b"\0") == []
    good = frames.encode(frames.METER, frames.KEYPAD, 1, frames.KEYS, b"abc")
    assert len(reader.feed(good)) == 1


STATE = {
    "boot": 3,
    "revision": 9,
    "boot_nonce": "a1b2c3d4",
    "last": [3, 41],
    "last_n": 12,
    "time": 1800000000,
    "clock": "set",
    "payment_mode": "prepayment",
    "account_status": "active",
    "credit_status": "in_credit",
    "credit_wh": -5,
    "low_credit_wh": 5000,
    "load_closed": True,
    "open_reasons": [],
    "energy_wh": 123456789,
    "power_w": 1500,
    "sgc": "201457",
    "krn": 1,
    "ti": 1,
    "firmware": "0.1.0",
}


def up(kind: str, **fields: Any) -> dict[str, Any]:
    """Return the claims of a message of our meter."""
    return dict(commands.envelope(kind, DRN), **fields)


def test_messages_of_every_kind_pass() -> None:
    messages.check_state(up("state", **STATE), DRN)
    messages.check_ack(up("ack", n=5, stage="received"), DRN)
    messages.check_ack(up("ack", n=5, stage="done", status=1, detail={"wh": 50000}), DRN)
    messages.check_event(up("event", boot=3, seq=41, code=204, time=None), DRN)
    messages.check_reading(
        up(
            "reading",
            boot=3,
            seq=42,
            after=[3, 40],
            end=1800000000,
            registers={"1.8.0": 1},
            credit_wh=5,
            power_w=7,
        ),
        DRN,
    )


def test_signed_state_stays_under_a_kilobyte() -> None:
    assert len(jws.sign(up("state", **STATE), KEY, "up0")) < 1024


@pytest.mark.parametrize("field", sorted(STATE))
def test_a_state_without_one_field_is_refused(field: str) -> None:
    fields = {name: value for name, value in STATE.items() if name != field}
    with pytest.raises(messages.BadMessage, match=field):
        messages.check_state(up("state", **fields), DRN)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("ack", {"n": 5, "stage": "done"}),
        ("ack", {"n": 5, "stage": "received", "status": 1}),
        ("ack", {"n": 0, "stage": "received"}),
        ("state", dict(STATE, open_reasons=["moon"])),
        ("state", dict(STATE, load_closed=1)),
        ("state", dict(STATE, sgc="٢٠١٤٥٧")),
        ("state", dict(STATE, last=[1])),
        ("state", dict(STATE, more=1)),
        ("event", {"boot": 1, "seq": 1, "code": 0, "time": None}),
        ("reading", {"boot": 1, "seq": 1, "end": None, "registers": {"1.8.0": "7"}}),
        ("online", {}),
    ],
)
def test_bad_messages_are_refused(kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(messages.BadMessage):
        messages.check_up(kind, up(kind, **fields), DRN) if kind != "ack" else messages.check_ack(
            up(kind, **fields), DRN
        )


def test_a_message_of_another_kind_or_meter_is_refused() -> None:
    event = up("event", boot=3, seq=41, code=204, time=None)
    with pytest.raises(messages.BadMessage):
        messages.check_event(event, "04123456780")
    with pytest.raises(messages.BadMessage):
        messages.check_reading(event, DRN)


def test_command_claims_are_checked_when_built() -> None:
    claims = messages.command_claims(DRN, 5, 1800000000, "token", {"digits": "1" * 20})
    assert claims["sub"] == DRN
    with pytest.raises(messages.BadMessage):
        messages.command_claims(DRN, 5, 1800000000, "token", {"digits": "1" * 20}, exp=1900000000)
    with pytest.raises(messages.BadMessage):
        messages.stored_claims(DRN, 1, -1)
    assert commands.check_stored(messages.stored_claims(DRN, 1, 2), DRN) == (1, 2)


def test_topics_are_parsed_and_foreign_ones_refused() -> None:
    assert topics.parse_up(topics.up(DRN, "state")) == (DRN, "state")
    assert topics.parse_up(topics.up(DRN, "ack", "a/b"), "a/b") == (DRN, "ack")
    assert topics.all_up() == "prepay/v1/+/up/#"
    assert topics.all_up("p", "headend") == "$share/headend/p/+/up/#"
    for topic in (
        "prepay/v1/041/down",
        "prepay/v1/041/up",
        "prepay/v1/041/up/",
        "prepay/v1/041/up/ack/x",
        "prepay/v1/٠٤١/up/ack",
        "prepay/v10/41/up/ack",
        "other/v1/041/up/ack",
        "",
    ):
        with pytest.raises(topics.BadTopic):
            topics.parse_up(topic)


def test_every_code_has_one_number_and_a_name() -> None:
    events = {name: value for name, value in vars(codes).items() if name.startswith("EVENT_")}
    assert len(set(events.values())) == len(events)
    assert set(code_names.EVENT_NAMES) == set(events.values())
    assert code_names.status_name(codes.REPLAYED) == "replayed"
    assert code_names.status_name(999) == "status 999"
    assert code_names.event_name(999) == "event 999"
    bits = [
        value
        for name, value in vars(codes).items()
        if name.startswith("OPEN_") and isinstance(value, int)
    ]
    assert sorted(bits) == [1 << place for place in range(len(codes.OPEN_REASONS))]
