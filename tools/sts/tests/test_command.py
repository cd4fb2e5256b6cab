"""The `prepay sts` command as people use it, and one sentence for each kind of bad input."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tools.prepay import main
from tools.sts.tests.test_vectors import VECTORS

METER = [
    *("--vending-key", "abababababababab949494949494949401234567"),
    *("--pan", "600727000000000009", "--sgc", "201457"),
]
KEY = ["--key", "87f3ecbb2e46b48f"]
CREDIT = ["encode", "--class", "0", *KEY]


def run(*arguments: str) -> Result:
    """Run `prepay sts` with arguments."""
    return CliRunner().invoke(main, ["sts", *arguments])


def test_a_key_is_derived() -> None:
    assert run("key", *METER).output == "87f3ecbb2e46b48f\n"
    assert run("key", *METER, "--ea", "11").output == "929bd3a415c9420a05ec5ee9f3ce91c3\n"
    by_number = ["--vending-key", METER[1], "--drn", "00000000000", "--sgc", "201457"]
    assert run("key", *by_number).output == "87f3ecbb2e46b48f\n"
    legacy = ["--dkga", "2", "--vending-key", "ab" * 8, *METER[2:4], "--sgc", "123456"]
    assert run("key", *legacy).output == "e653341f9d5bf36f\n"


def test_published_tokens_are_made() -> None:
    issued = ("--issued", "2014-03-01 13:00", "--rnd", "5")
    made = run("encode", "--class", "0", "--amount", "0.1", *issued, *METER)
    assert made.output == "7063 0503 4700 2872 6114\n"
    made = run("encode", "--class", "1")
    assert made.output == "5649 3153 7254 5031 3471\n"
    made = run("encode", "--class", "1", "--subclass", "1")
    assert made.output == "0230 5843 0050 5295 1967\n"
    currency = ("--subclass", "4", "--amount", "1", "--issued", "2024-04-21 10:01")
    made = run("encode", "--class", "0", *currency, *METER)
    assert made.exit_code == 0
    shown = json.loads(run("decode", made.output.strip(), "--json", *METER).output)
    assert shown["amount_e5"] == 100_004
    read = run("decode", made.output.strip(), *METER).output
    assert "value     0x60aa = 1.00004 currency units" in read


def test_a_published_key_change_is_made() -> None:
    new = ("--new-key", "7f78cdd220be39b8", "--new-ti", "2", "--new-sgc", "201457")
    made = run("keychange", *METER, *new, "--tokens", "2")
    assert made.output == "0651 0894 1414 5301 8386\n2297 9178 2799 9720 8272\n"
    section = run("decode", made.output.splitlines()[0], "--json", *METER)
    assert json.loads(section.output) == {
        "result": "Accept",
        "code": 1,
        "class": 2,
        "subclass": 3,
        "name": "Set1stSectionDecoderKey",
        "ken_high": 15,
        "krn": 1,
        "kt": 2,
        "rollover": False,
        "third_token_follows": False,
    }


def test_a_token_is_read() -> None:
    read = run("decode", "7063", "0503-4700 2872", "6114", *METER)
    assert read.exit_code == 0
    assert "TID       85740 (2014-03-01 13:00 UTC from base date 2014)" in read.output
    assert "value     0x0001 = 0.1 kWh" in read.output
    wrong = run("decode", "7063 0503 4700 2872 6115", *METER)
    assert wrong.exit_code == 1
    assert "CRCError" in wrong.output


def facts(digits: str, *key: str) -> dict[str, Any]:
    """Return what `decode --json` prints."""
    shown: dict[str, Any] = json.loads(run("decode", digits, "--json", *key).output)
    return shown


def test_a_script_gets_numbers_and_one_fact_a_field() -> None:
    assert facts("70630503470028726114", *METER) == {
        "result": "Accept",
        "code": 1,
        "class": 0,
        "subclass": 0,
        "name": "TransferCredit electricity",
        "rnd": 5,
        "value": 1,
        "units": 1,
        "unit": "0.1 kWh",
        "tid": 85740,
        "issued_at": "2014-03-01T13:00:00+00:00",
        "base_date": 2014,
    }
    shown = facts("02305843005052951967")
    assert (shown["class"], shown["subclass"], shown["mfr_code"]) == (1, 1, "0000")
    assert (shown["control"], shown["tests"]) == ((1 << 28) - 1, list(range(1, 29)))
    wrong = facts("70630503470028726115", *METER)
    assert wrong == {"result": "CRCError", "code": wrong["code"]}


@pytest.mark.parametrize(
    ("subclass", "amount", "fact"),
    [("0", "2300", {"limit_w": 2300}), ("1", "65535", {"register": 65535})],
)
def test_a_management_token_says_what_it_sets(
    subclass: str, amount: str, fact: dict[str, int]
) -> None:
    made = run("encode", "--class", "2", "--subclass", subclass, "--amount", amount, *METER)
    shown = facts(made.output.strip(), *METER)
    assert fact.items() <= shown.items()
    assert "units" not in shown


def test_a_token_is_explained_step_by_step() -> None:
    explained = run("explain", "7063 0503 4700 2872 6114", *METER).output
    steps = ["digits", "66 bits", "class bits", "64-bit block", "decrypted", "CRC", "TID"]
    places = [explained.index(f"{step} ") for step in [*steps, "result"]]
    assert places == sorted(places)
    assert "3d431f4b0860e9f62" in explained
    assert "05014eec00013188 (EA07)" in explained
    assert "3188, as the fields give" in explained
    without_key = run("explain", "7063 0503 4700 2872 6114").output
    assert "d431f4b09e0e9f62" in without_key
    assert "encrypted; give --key" in without_key
    assert "all tests" in run("explain", "56493153725450313471").output
    assert "class 3 is reserved" in run("explain", "31306998160109983627").output
    assert "CRCError" in run("explain", "70630503470028726115", *METER).output


def test_a_file_of_vectors_is_checked(tmp_path: Path) -> None:
    checked = run("check", str(VECTORS))
    assert checked.exit_code == 0
    assert checked.stdout.count(": ok\n") == 128
    content = json.loads(VECTORS.read_text())
    content["vectors"][0]["outputs"]["crc"] = "0000"
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_text(json.dumps(content))
    checked = run("check", str(spoiled))
    assert checked.exit_code == 1
    assert "cts07-01-1: crc: expected 0000, got 3188\n" in checked.stdout
    assert checked.stdout.count(": ok\n") == 127


BAD_INPUT = {
    "19 digits": (["decode", "1" * 19, *KEY], "20 digits, this has 19"),
    "a letter": (["decode", "7063050347002872611a", *KEY], "only the digits 0 to 9"),
    "another script": (["explain", "\u0667" + "1" * 19], "only the digits 0 to 9"),
    "too large": (["explain", "9" * 20], "no token is above"),
    "short key": (["decode", "1" * 20, "--key", "87f3"], "8 or 16 bytes, not 2"),
    "key not hex": (["decode", "1" * 20, "--key", "xyz"], "hexadecimal"),
    "no key": (["decode", "70630503470028726114"], "this needs --key"),
    "wrong algorithm": ([*CREDIT, "--amount", "1", "--ea", "9"], "there are 7 and 11"),
    "key of the other algorithm": ([*CREDIT, "--amount", "1", "--ea", "11"], "16 bytes, not 8"),
    "impossible date": ([*CREDIT, "--amount", "1", "--issued", "2015-02-29 10:00"], "no day 29"),
    "no date": ([*CREDIT, "--amount", "1", "--issued", "yesterday"], "a time is written as"),
    "before the base date": (
        [*CREDIT, "--amount", "1", "--issued", "2013-12-31 23:59"],
        "base date 2014",
    ),
    "unknown class": (["encode", "--class", "5", *KEY], "token class 5 is not known"),
    "unknown subclass": ([*CREDIT, "--subclass", "9", "--amount", "1"], "subclass 0 to 3, not 9"),
    "class 1 subclass": (["encode", "--class", "1", "--subclass", "4"], "0, 1 and 2, not 4"),
    "no amount": (CREDIT, "needs --amount"),
    "amount in another script": ([*CREDIT, "--amount", "\u0662"], "a number such as 25.6"),
    "amount too large": ([*CREDIT, "--amount", "1820162.5"], "0 to 18201624 units"),
    "number in another script": (["key", *METER, "--ti", "\u0663"], "not a whole number"),
    "out of range": (["key", *METER, "--ti", "100"], "not between 0 and 99"),
    "wrong check digit": (
        ["key", *METER[:2], "--sgc", "201457", "--drn", "12345678904"],
        "3 was expected",
    ),
    "two meters": (["key", *METER, "--drn", "07123456787"], "has the PAN"),
    "no meter": (["key", *METER[:2], "--sgc", "201457"], "--drn or --pan"),
    "no supply group": (["key", *METER[:4]], "--sgc"),
    "unknown key generation": (["key", *METER, "--dkga", "3"], "there are 2 and 4"),
    "DKGA02 with EA11": (
        ["key", "--vending-key", "ab" * 8, *METER[2:], "--dkga", "2", "--ea", "11"],
        "algorithm 7 only",
    ),
    "key type 0": (["key", *METER, "--kt", "0"], "the manufacturer's"),
    "key given to key": (["key", *KEY], "give --vending-key"),
    "a key type that must not follow": (
        ["keychange", *METER, "--new-key", "00" * 8, "--new-sgc", "201457", "--new-kt", "0"],
        "must not replace",
    ),
    "an unknown command": (["bogus"], "No such command 'bogus'"),
    "missing file": (["check", "/nowhere/vectors.json"], "cannot be read"),
    "unknown interpreter": (["check", str(VECTORS), "--on", "abacus"], "is not one of"),
    "missing argument": (["decode"], "Missing argument"),
    "unknown option": (["decode", "1", "--colour", "red"], "No such option"),
}


@pytest.mark.parametrize(("arguments", "sentence"), BAD_INPUT.values(), ids=BAD_INPUT.keys())
def test_bad_input_gets_one_sentence_and_status_2(arguments: list[str], sentence: str) -> None:
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert sentence in answer.stderr
    assert answer.stderr.startswith("prepay sts: ")
    assert len(answer.stderr.splitlines()) == 1
