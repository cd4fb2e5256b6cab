"""`prepay tariff check`: published purchases come out as printed, and a difference is found."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.prepay import main
from tools.tariff.cases import check, priced

FILE = Path(__file__).parent / "published_purchases.json"
CASES = json.loads(FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_purchase(case):
    assert check(case).differences == ()
    done = priced(case)
    assert sum(line.amount_minor for line in done.lines) == case["tender_minor"]
    recomputed = case["recomputed"]["kwh_unrounded"]
    if recomputed is not None:
        assert abs(done.exact_wh / 1000 - Fraction(recomputed)) < Fraction(1, 10**6)


def run(*arguments):
    return CliRunner().invoke(main, ["tariff", "check", *map(str, arguments)])


def test_command_has_one_line_for_each_case():
    result = run(FILE)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert len(lines) == len(CASES)
    assert all(line.startswith("ok ") for line in lines)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tender_minor": 60000}, "kWh 42.2, printed 32.3"),
        ({"expect": {"kwh": "32.4", "lines": []}}, "kWh 32.3, printed 32.4"),
        (
            {"expect": {"kwh": "32.3", "lines": [{"name": "fuel", "amount_minor": 18444}]}},
            "fuel 18443, printed 18444",
        ),
        (
            {"expect": {"kwh": "32.3", "lines": [{"name": "gift", "amount_minor": 1}]}},
            "gift 6731, printed 1",  # an unknown name is the tax's local one
        ),
        ({"tariff": {}}, "at least one component"),
        ({"tender_minor": "x"}, "can't be read"),
    ],
)
def test_command_finds_a_difference(tmp_path, change, told):
    case = next(case for case in CASES if case["id"] == "KE-kplc-2015-first")
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([case, case | change]))
    result = run(file)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].startswith("ok ")
    assert told in result.stdout.splitlines()[1]
    assert "1 of 2 cases differ" in result.stderr


def test_a_tolerance_is_what_the_print_allows(tmp_path):
    case = next(case for case in CASES if case["id"] == "KE-kplc-2015-first")
    case = case | {
        "expect": {"kwh": "32.4", "lines": [{"name": "fuel", "amount_minor": 18440}]},
        "tolerance": {"kwh": "0.1", "line_minor": 3},
    }
    assert check(case).differences == ()
    assert len(check(case | {"tolerance": {"kwh": "0.09", "line_minor": 2}}).differences) == 2


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", "7"])
def test_a_file_without_cases_is_wrong_usage(tmp_path, text):
    file = tmp_path / "cases.json"
    file.write_text(text)
    assert run(file).exit_code == 2
