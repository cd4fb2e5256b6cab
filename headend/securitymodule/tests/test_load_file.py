"""The key-load file opens for both halves together, unaltered, and for nothing else."""

import base64
import json
from datetime import UTC, datetime

import pytest

from headend.securitymodule import load_file
from headend.securitymodule.errors import LoadFileRefused

HALVES = ("a first half", "and the other")
KEY = load_file.LoadedKey(
    clear_key=bytes(range(20)),
    sgc="123456",
    kt=2,
    krn=3,
    base_date=2014,
    ken=200,
    dkga=4,
    is_test=False,
    active_from=datetime(2026, 12, 1, tzinfo=UTC),
    active_until=None,
    credit_ceiling_kwh=1_000_000,
)


@pytest.fixture(scope="module")
def text():
    return load_file.write([KEY], halves=HALVES)


def test_what_was_written_is_read(text):
    assert load_file.read(text, halves=HALVES) == [KEY]


def test_the_file_shows_no_key(text):
    sealed = base64.b64decode(json.loads(text)["sealed"])
    for shown in (text.encode(), sealed):
        assert KEY.clear_key not in shown
        assert KEY.clear_key.hex().encode() not in shown.lower()
    assert KEY.clear_key.hex() not in repr(KEY)


@pytest.mark.parametrize(
    "halves",
    [HALVES[::-1], (HALVES[0], "something else"), (HALVES[0] + HALVES[1], HALVES[1])],
)
def test_one_half_does_not_open_it(text, halves):
    with pytest.raises(LoadFileRefused, match="does not open"):
        load_file.read(text, halves=halves)


def test_spaces_around_a_half_do_not_matter(text):
    assert load_file.read(text, halves=(f" {HALVES[0]}\n", HALVES[1]))


def test_short_halves_are_refused():
    with pytest.raises(LoadFileRefused, match="at least 8"):
        load_file.write([KEY], halves=("short", HALVES[1]))


def test_an_altered_file_does_not_open(text):
    file = json.loads(text)
    sealed = bytearray(base64.b64decode(file["sealed"]))
    sealed[20] ^= 1
    file["sealed"] = base64.b64encode(sealed).decode()
    with pytest.raises(LoadFileRefused, match="altered"):
        load_file.read(json.dumps(file), halves=HALVES)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "another"},
        {"argon2id": {"salt": "00" * 16, "time_cost": 1, "memory_kib": 8, "lanes": 1}},
        {"argon2id": {"salt": "00" * 16, "time_cost": 3, "memory_kib": 1 << 30, "lanes": 1}},
        {"argon2id": {"salt": "no", "time_cost": 3, "memory_kib": 65536, "lanes": 4}},
        {"argon2id": {"salt": "00" * 4, "time_cost": 3, "memory_kib": 65536, "lanes": 4}},
        {"argon2id": None},
        {"sealed": "?"},
        {"sealed": 7},
    ],
)
def test_other_files_are_refused_before_any_work(text, change):
    with pytest.raises(LoadFileRefused, match="not a file of the format"):
        load_file.read(json.dumps(json.loads(text) | change), halves=HALVES)


@pytest.mark.parametrize("text", ["", "[]", "null", "7", "{}", "[" * 100_000])
def test_rubbish_is_refused(text):
    with pytest.raises(LoadFileRefused):
        load_file.read(text, halves=HALVES)


def test_what_may_be_left_out_has_its_default():
    key = {"sgc": "123456", "kt": 2, "krn": 1, "base_date": 2014, "key": "00" * 20}
    (read,) = load_file.read_keys(json.dumps({"keys": [key]}))
    assert (read.ken, read.dkga, read.is_test, read.credit_ceiling_kwh) == (255, 4, False, None)
    left_empty = key | {"active_from": None, "active_until": None, "credit_ceiling_kwh": None}
    assert load_file.read_keys(json.dumps({"keys": [left_empty]})) == [read]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"7", b"[1]", b"{}", b'{"keys": {}}', b"[" * 9999]
)
def test_sealed_rubbish_is_refused(content):
    with pytest.raises(LoadFileRefused, match="content is not as it should be"):
        load_file.read_keys(content)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kt": 0}, "kt is 1, 2 or 3, not 0"),
        ({"kt": 1e400}, "kt is a whole number"),
        ({"kt": "2"}, "kt is a whole number"),
        ({"ken": 2.7}, "ken is a whole number"),
        ({"krn": True}, "krn is a whole number"),
        ({"sgc": "12345"}, "sgc is a text of six digits"),
        ({"sgc": 123456}, "sgc is a text of six digits"),
        ({"key": "ABC"}, "key is not hexadecimal"),
        ({"key": None}, "key is not hexadecimal"),
        ({"is_test": "false"}, "is_test is true or false"),
        ({"credit_celling_kwh": 5}, "something besides"),
        ({"credit_ceiling_kwh": -1}, "credit_ceiling_kwh is a whole number"),
        ({"active_from": "2026-12-01"}, "active_from is a date and time with an offset"),
        ({"active_from": "2026-12-01T00:00:00"}, "active_from is a date and time with an offset"),
        ({"active_until": "2026-02-31T00:00:00Z"}, "active_until is a date and time"),
        ({"active_until": 7}, "active_until is a date and time"),
        ({"krn": 10}, "krn is 1 to 9, not 10"),
        ({"ken": 999}, "ken is 0 to 255, not 999"),
        ({"base_date": 1999}, "base_date is 1993, 2014 or 2035, not 1999"),
        ({"dkga": 3}, "dkga is 2 or 4, not 3"),
        ({"key": "00" * 8}, "8 bytes are no key of DKGA04"),
        ({"credit_ceiling_kwh": 10**30}, "credit_ceiling_kwh is 1000000000000 at most"),
        (
            {
                "active_from": "2027-01-01T00:00:00+00:00",
                "active_until": "2026-12-01T00:00:00+00:00",
            },
            "active_until has to lie after active_from",
        ),
    ],
)
def test_what_no_key_can_be_is_named(change, why):
    first = {"sgc": "123456", "kt": 2, "krn": 1, "base_date": 2014, "key": "00" * 20}
    with pytest.raises(LoadFileRefused, match=why) as refused:
        load_file.read_keys(json.dumps({"keys": [first, first | {"krn": 2} | change]}))
    assert "key 2 of the file" in str(refused.value)
    assert str(change.get("key")) not in str(refused.value)


def test_a_file_holds_each_key_once_and_at_least_one():
    key = {"sgc": "123456", "kt": 2, "krn": 1, "base_date": 2014, "key": "00" * 20}
    with pytest.raises(LoadFileRefused, match="key 2 of the file: it has the same"):
        load_file.read_keys(json.dumps({"keys": [key, key]}))
    with pytest.raises(LoadFileRefused, match="holds no key"):
        load_file.read_keys('{"keys": []}')
    with pytest.raises(LoadFileRefused, match="key 1 of the file: it needs base_date, key"):
        load_file.read_keys('{"keys": [{}]}')
