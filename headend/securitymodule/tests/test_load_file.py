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


@pytest.mark.parametrize(
    "change",
    [
        {"sgc": "12345"},
        {"sgc": 123456},
        {"key": "no"},
        {"kt": "two"},
        {"active_from": "2026-12-01"},
        {"active_from": "2026-12-01T00:00:00"},
        {"credit_ceiling_kwh": -1},
    ],
)
def test_impossible_content_is_refused(change):
    key = {"sgc": "123456", "kt": 2, "krn": 1, "base_date": 2014, "key": "00" * 20}
    assert load_file.read_keys(json.dumps({"keys": [key]}))[0].ken == 255
    with pytest.raises(LoadFileRefused):
        load_file.read_keys(json.dumps({"keys": [key | change]}))
