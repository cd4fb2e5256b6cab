"""Every test vector, on CPython and inside each MicroPython."""

from pathlib import Path

import pytest

from shared.sts.errors import WrongFormat
from tools import interpreters
from tools.sts import checking

VECTORS = interpreters.REPOSITORY / "shared" / "sts" / "tests" / "vectors.json"
LISTED = checking.load(VECTORS)


def test_all_vectors_here() -> None:
    outcomes = list(checking.check(LISTED, None))
    assert [outcome for outcome in outcomes if outcome.differences or outcome.unchecked] == []
    assert len(outcomes) == 128


def test_all_vectors_inside_micropython(interpreter: str) -> None:
    outcomes = list(checking.check(LISTED, interpreter))
    assert [outcome for outcome in outcomes if outcome.differences or outcome.unchecked] == []
    assert len(outcomes) == 128


# A changed value in each kind of vector must be seen; otherwise the checks above show nothing.
SPOILED = {
    "token": ("token20", "00000000000000000000"),
    "key_change_set": ("new_decoder_key", "0000000000000000"),
    "sta": ("ciphertext", "0000000000000000"),
    "misty1": ("ciphertext", "0000000000000000"),
    "crc16": ("crc", "0000"),
    "luhn": ("check_digit", 10),
    "tid": ("tid", -1),
    "amount": ("value16", -1),
}


@pytest.mark.parametrize("on", [None, "interpreter"])
def test_a_wrong_vector_is_seen(on: str | None, request: pytest.FixtureRequest) -> None:
    spoiled = []
    for kind, (field, value) in SPOILED.items():
        vector = next(vector for vector in LISTED if vector["kind"] == kind)
        spoiled.append(vector | {"outputs": vector["outputs"] | {field: value}})
    case = next(vector for vector in LISTED if vector["kind"] == "meter_case")
    wrong_step = case["steps"][0] | {"expect_result": "CRCError"}
    wrong_credit = case["steps"][0] | {"expect_credit_units": 1}
    wrong_key = case["steps"][0] | {"expect_decoder_key": "00"}
    spoiled += [case | {"steps": [step]} for step in (wrong_step, wrong_credit, wrong_key)]
    where = "micropython" if on else None
    for outcome in checking.check(spoiled, where):
        assert len(outcome.differences) == 1, outcome


def test_what_cannot_be_checked_is_said() -> None:
    token = LISTED[0]
    more = token | {"outputs": token["outputs"] | {"colour": "red"}}
    unknown = {"id": "x", "kind": "riddle"}
    broken = {"id": "y", "kind": "token", "inputs": {"class": 0}}
    short_key = token | {"inputs": token["inputs"] | {"vending_key": "abab"}}
    outcomes = list(checking.check([more, unknown, broken, short_key], None))
    assert (outcomes[0].differences, outcomes[0].unchecked) == ([], ["colour"])
    assert outcomes[1].differences == ["kind riddle is not known"]
    assert [one.partition(":")[0] for one in outcomes[2].differences] == ["malformed"]
    assert outcomes[3].differences == ["a vending key of DKGA04 has 20 bytes, not 2"]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"vectors": []}', '{"vectors": [1]}', '{"vectors": [{}]}']
)
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "file.json"
    file.write_text(content)
    with pytest.raises(WrongFormat, match=r"file\.json (is not JSON|has )"):
        checking.load(file)
