"""What holds for any tariff: lines add up, more money never buys less, splitting gains nothing."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headend.tariffs import document, rules, words
from headend.tariffs.components import (
    TENDER,
    TENDER_NET,
    Component,
    Energy,
    PercentLevy,
    PeriodicFee,
    PerKwhLevy,
    PurchaseFee,
    Rebate,
    Step,
    Tax,
)
from headend.tariffs.context import Deduction, FeeDue, PurchaseContext
from headend.tariffs.numbers import CEIL, FLOOR, HALF_UP, MODES, to_step, to_whole
from headend.tariffs.pricing import price
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules

_RATE = st.decimals("0.05", 20, places=4)
_PERCENT = st.decimals(0, 30, places=2)
tenders = st.integers(1, 10**7)


@st.composite
def energies(draw, *, rising=False):
    limits = sorted(draw(st.sets(st.integers(1, 500), max_size=3)))
    rates = draw(st.lists(_RATE, min_size=len(limits) + 1, max_size=len(limits) + 1))
    rates = sorted(rates) if rising else rates
    bounds = [*(Decimal(limit) for limit in limits), None]
    return Energy("Energy", tuple(map(Step, bounds, rates)))


@st.composite
def tariffs(draw, *, roundings=rules.LINES_FROM, modes=MODES, rising=False, on_purchase=True):
    """Any mixture of components that has no duty, whose jump makes more money buy less."""
    parts: list[Component] = []
    if on_purchase and draw(st.booleans()):
        parts.append(PurchaseFee("Admin", draw(st.decimals(0, 5, places=2))))
    if draw(st.booleans()):
        parts.append(
            PercentLevy("Town", draw(_PERCENT), (draw(st.sampled_from([TENDER, TENDER_NET])),))
        )
    parts.append(PeriodicFee("Fee", draw(st.decimals(0, 50, places=2))))
    parts.append(draw(energies(rising=rising)))
    # Given back at most what leaves the cheapest kWh a price, with a tax on it too.
    parts.append(PerKwhLevy("Fuel", draw(st.decimals("-0.03", 3, places=4))))
    parts.append(PercentLevy("Excise", draw(_PERCENT), ("Energy",)))
    parts.append(Rebate("Rebate", draw(st.decimals(0, 10, places=1)), ("Energy",)))
    taxed = draw(st.sets(st.sampled_from(["Energy", "Fee", "Fuel", "Excise"]), min_size=1))
    above = None
    if not rising or draw(st.booleans()):
        above = draw(st.none() | st.integers(1, 400).map(Decimal))
    parts.append(Tax("VAT", draw(_PERCENT), tuple(sorted(taxed)), draw(st.booleans()), above))
    return TariffRules(
        tuple(parts),
        Rounding(
            kwh_step=draw(st.sampled_from([Decimal("0.01"), Decimal("0.1"), Decimal(1)])),
            kwh_mode=draw(st.sampled_from(modes)),
            lines_from=draw(st.sampled_from(roundings)),
            money_mode=draw(st.sampled_from(MODES)),
            residual_to=draw(st.sampled_from([None, "Energy", "Fuel", "VAT"])),
        ),
        FeeRecovery(Decimal(draw(st.sampled_from([30, 50, 100])))),
    )


# A coin more pays the fee's, whose tax then comes out of the energy.
TAXED_FEE = TariffRules(
    (
        PeriodicFee("Fee", Decimal(0)),
        Energy("Energy", (Step(None, Decimal("0.05")),)),
        PerKwhLevy("Fuel", Decimal("0.0011")),
        Rebate("Rebate", Decimal(0), ("Energy",)),
        Tax("VAT", Decimal("0.01"), ("Fee",)),
    ),
    Rounding(kwh_step=Decimal("0.01"), kwh_mode=HALF_UP),
    FeeRecovery(Decimal(50)),
)

contexts = st.builds(
    PurchaseContext,
    bought_wh=st.integers(0, 600_000),
    fees=st.fixed_dictionaries(
        {"Fee": st.builds(FeeDue, st.integers(0, 6), st.integers(0, 10_000))}
    ),
    carried_minor=st.integers(0, 500),
)


@given(tenders, tariffs(), contexts)
def test_no_money_is_made_or_lost(tender, tariff, context):
    done = price(tender_minor=tender, tariff=tariff, context=context)
    assert sum(line.amount_minor for line in done.lines) == tender
    assert done.issued_wh >= 0
    fee = done.fees["Fee"]
    assert 0 <= fee.taken_minor <= fee.due_minor
    share = Fraction(tariff.fee_recovery.max_share_percent) / 100
    assert fee.taken_minor <= share * (tender + context.carried_minor)
    assert done.total_minor("fee") <= tender + context.carried_minor


@given(tenders, tariffs(), contexts)
def test_energy_without_rounding_costs_what_is_left_for_it(tender, tariff, context):
    """Exact kWh at exact prices are exactly the money: nothing hides in the arithmetic."""
    exact = replace(tariff, rounding=Rounding(lines_from=rules.EXACT_KWH))
    done = price(tender_minor=tender, tariff=exact, context=context)
    assert sum(done.amounts.values(), Fraction(0)) == tender + context.carried_minor
    parts = [line for line in done.lines if line.kind == "energy" and line.energy_wh]
    assert abs(sum(line.energy_wh or 0 for line in parts) - done.exact_wh) < 1
    rounding = done.total_minor("rounding")
    assert abs(rounding) <= len(done.lines)


@given(tenders, st.integers(1, 10**6), tariffs(), contexts)
@example(1, 1, TAXED_FEE, PurchaseContext(fees={"Fee": FeeDue(0, 1)}))
def test_more_money_never_buys_less(tender, more, tariff, context):
    few = price(tender_minor=tender, tariff=tariff, context=context)
    many = price(tender_minor=tender + more, tariff=tariff, context=context)
    step_wh = int(tariff.rounding.kwh_step * 1000)
    # Lines rounded before energy can take one coin more each, and so can the tax on a fee of which
    # the money now pays a coin more, as fees are paid in whole coins: at most that is lost.
    pays_more = many.fees["Fee"].taken_minor > few.fees["Fee"].taken_minor
    in_coins = pays_more or tariff.rounding.lines_from == rules.MONEY_FIRST
    slack = _coins_wh(tariff) if in_coins else 0
    assert many.issued_wh >= few.issued_wh - (slack and slack + step_wh)
    assert many.fees["Fee"].taken_minor >= few.fees["Fee"].taken_minor


@given(
    tenders,
    tenders,
    tariffs(roundings=[rules.EXACT_KWH, rules.ROUNDED_KWH], rising=True),
    contexts,
)
def test_a_purchase_split_in_two_gains_no_more_than_rounding(first, second, tariff, context):
    """Where prices rise with use: the second half begins where the first one's energy ended."""
    whole = price(tender_minor=first + second, tariff=tariff, context=context)
    one = price(tender_minor=first, tariff=tariff, context=context)
    after = replace(
        context,
        bought_wh=context.bought_wh + one.issued_wh,
        fees={"Fee": FeeDue(0, one.fees["Fee"].owed_minor)},
        carried_minor=one.carried_minor,
    )
    two = price(tender_minor=second, tariff=tariff, context=after)
    fees_saved = whole.fees["Fee"].taken_minor - (
        one.fees["Fee"].taken_minor + two.fees["Fee"].taken_minor
    )
    step_wh = int(tariff.rounding.kwh_step * 1000)
    # What the split did not pay in fees is still owed; that money bought energy meanwhile.
    deferred_wh = fees_saved * _dearest_coin_wh(tariff) if fees_saved > 0 else 0
    assert one.issued_wh + two.issued_wh <= whole.issued_wh + 3 * step_wh + deferred_wh


def _dearest_coin_wh(tariff):
    """The energy that one coin buys at most."""
    price_of_kwh = min(step.rate for step in tariff.energy.steps) * 100
    levy = tariff.components[[c.name for c in tariff.components].index("Fuel")].rate * 100
    rebate = next(c.percent for c in tariff.components if c.name == "Rebate") / 100
    net = Fraction(price_of_kwh) * (1 - Fraction(rebate)) + min(Fraction(levy), Fraction(0))
    return 2 * 1000 / net if net > 0 else 10**9


def _coins_wh(tariff):
    return len(tariff.components) * 1000 / Fraction(min(s.rate for s in tariff.energy.steps) * 100)


@given(tenders, tariffs(), contexts, st.integers(0, 90))
def test_debts_take_what_fees_left_and_stand_before_energy(tender, tariff, context, percent):
    seen = []

    def take(available_minor):
        seen.append(available_minor)
        amount = available_minor * percent // 100
        return [Deduction("Old debt", amount, reference="debt:1")] if amount else []

    done = price(tender_minor=tender, tariff=tariff, context=context, deductions=take)
    assert sum(line.amount_minor for line in done.lines) == tender
    assert done.total_minor("debt") == seen[0] * percent // 100
    kinds_seen = [line.kind for line in done.lines]
    if "debt" in kinds_seen:
        assert kinds_seen.index("debt") < kinds_seen.index("energy")


def test_debts_never_take_more_than_there_is():
    tariff = rules.flat(price_minor_per_kwh=Decimal(250), tax_percent=Decimal(0))
    with pytest.raises(ValueError, match="do not fit"):
        price(tender_minor=100, tariff=tariff, deductions=[Deduction("Debt", 101)])


@given(tariffs())
def test_any_tariff_is_written_and_read_the_same_and_told_in_words(tariff):
    tariff.check()
    assert document.read(document.write(tariff)) == tariff
    said = words.summary(tariff)
    assert len(said) >= len(tariff.components)
    assert all(sentence.endswith(".") for sentence in said)


@given(st.fractions(-1000, 1000), st.fractions("1/100", 10))
def test_rounding_to_a_step(number, step):
    for mode in MODES:
        done = to_step(number, step, mode)
        assert (done / step).denominator == 1
        assert abs(done - number) < step
    assert to_step(number, step, FLOOR) <= number <= to_step(number, step, CEIL)
    assert abs(to_step(number, step, HALF_UP) - number) <= step / 2


@pytest.mark.parametrize(
    ("number", "mode", "whole"),
    [
        ("1/2", HALF_UP, 1),
        ("-1/2", HALF_UP, -1),
        ("3/2", HALF_UP, 2),
        ("-7/5", FLOOR, -2),
        ("-7/5", CEIL, -1),
        ("7/5", CEIL, 2),
    ],
)
def test_halves_and_signs(number, mode, whole):
    assert to_whole(Fraction(number), mode) == whole
