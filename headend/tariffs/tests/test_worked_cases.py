"""Two hundred purchases worked out by other means, in a table that can be checked by hand."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from headend.tariffs import document
from headend.tariffs.pricing import least_tender, price
from headend.tariffs.tests import oracle
from headend.tariffs.tests.worked_tariffs import WORKED

TABLE = Path(__file__).parent / "worked_cases.txt"


def read():
    """Yield (tariff, bought, other, tender, kWh, {line: amount}) for each row of the table."""
    name = ""
    columns: list[str] = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if line.startswith("== "):
            name, columns = line[3:], []
        elif cells[0] == "bought":
            columns = cells[4:]
        elif columns and len(cells) == 4 + len(columns):
            lines = dict(zip(columns, cells[4:], strict=True))
            yield name, cells[0], int(cells[1]), cells[2], cells[3], lines


CASES = list(read())


def minor(text):
    return int(Decimal(text) * 100)


def context(name, bought, other):
    return replace(WORKED[name].context(other), bought_wh=int(Decimal(bought) * 1000))


def test_the_table_is_whole():
    assert len(CASES) >= 200
    assert {case[0] for case in CASES} == set(WORKED) == set(oracle.WORK)
    assert len({case[:4] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("name", WORKED)
def test_the_table_is_what_plain_arithmetic_gives(name):
    for case in CASES:
        _, bought, other, tender, kwh, lines = case
        if case[0] != name:
            continue
        worked_kwh, worked = oracle.WORK[name](Fraction(bought), other, minor(tender))
        worked = worked | {"Rounding": minor(tender) - sum(worked.values())}
        assert Fraction(kwh) == worked_kwh, case
        assert {line: minor(amount) for line, amount in lines.items()} == {
            line: worked.get(line, 0) for line in lines
        }, case
        assert all(line in lines for line in worked), case


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(map(str, case[:4])))
def test_worked_case(case):
    name, bought, other, tender, kwh, lines = case
    done = price(
        tender_minor=minor(tender),
        tariff=WORKED[name].tariff,
        context=context(name, bought, other),
    )
    assert Decimal(done.issued_wh) / 1000 == Decimal(kwh)
    amounts: defaultdict[str, int] = defaultdict(int)
    for line in done.lines:
        named = {"carried": "Left", "rounding": "Rounding"}.get(line.kind, line.component)
        amounts[named] += line.amount_minor
    assert dict(amounts) | {n: amounts[n] for n in lines} == {
        n: minor(a) for n, a in lines.items()
    }
    assert sum(amounts.values()) == minor(tender)


@pytest.mark.parametrize("case", CASES[::3], ids=lambda case: " ".join(map(str, case[:4])))
def test_the_price_of_the_energy_is_the_least_that_buys_it(case):
    name, bought, other, tender, kwh, _ = case
    tariff, circumstances = WORKED[name].tariff, context(name, bought, other)
    energy_wh = int(Decimal(kwh) * 1000)
    least = least_tender(energy_wh=energy_wh, tariff=tariff, context=circumstances)
    assert least is not None
    assert least <= minor(tender)
    assert price(tender_minor=least, tariff=tariff, context=circumstances).issued_wh >= energy_wh
    if least > 1:
        less = price(tender_minor=least - 1, tariff=tariff, context=circumstances)
        assert less.issued_wh < energy_wh


@pytest.mark.parametrize("name", WORKED)
def test_a_document_says_the_same(name):
    tariff = WORKED[name].tariff
    assert document.read(document.write(tariff)) == tariff
