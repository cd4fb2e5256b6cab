"""Any tariff, held against a clerk who adds up what energy costs instead of dividing money."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from headend.tariffs import components as kinds
from headend.tariffs.components import (
    TENDER,
    TENDER_NET,
    Component,
    Energy,
    EnergyByBand,
    PercentLevy,
    PeriodicFee,
    PerKwhLevy,
    PurchaseFee,
    Rebate,
    Step,
    Tax,
    TenderDuty,
)
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.pricing import least_tender, price
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules
from headend.tariffs.tests.clerk import Clerk

rates = st.decimals("0.05", 20, places=4)
percents = st.decimals(0, 30, places=2)
fees = st.decimals(0, 60, places=2)
maybe = st.booleans()


@st.composite
def energies(draw):
    if draw(st.integers(0, 4)) == 0:
        by = draw(st.sampled_from([kinds.AVERAGE_USE, kinds.CONNECTION_VA]))
        bands = (Step(Decimal(90), draw(rates)), Step(Decimal(900), draw(rates)))
        return EnergyByBand("Energy", by, (*bands, Step(None, draw(rates))))
    limits = sorted(draw(st.sets(st.integers(1, 500).map(Decimal), max_size=3)))
    # Energy without a limit is never free; up to one it may be, and there may be no more of it.
    steps = [Step(limit, draw(rates | st.just(Decimal(0)))) for limit in limits]
    if not steps or draw(st.integers(0, 4)):
        steps.append(Step(None, draw(rates)))
    return Energy("Energy", tuple(steps), limits_accumulate=draw(maybe))


@st.composite
def tariffs(draw):
    parts: list[Component] = []
    if draw(maybe):
        parts.append(PurchaseFee("Admin", draw(fees)))
    if draw(maybe):
        parts.append(
            PercentLevy("Town", draw(percents), (draw(st.sampled_from([TENDER, TENDER_NET])),))
        )
    if draw(maybe):
        begins = draw(st.sampled_from([Decimal(0), Decimal(50), Decimal(1000)]))
        parts.append(TenderDuty("Stamp", begins, draw(fees), draw(percents)))
    parts.append(
        PeriodicFee(
            "Fee",
            draw(fees),
            per_kva=draw(maybe),
            accumulates=draw(maybe),
            max_periods=draw(st.none() | st.integers(1, 4)),
        )
    )
    if draw(maybe):
        parts.append(PeriodicFee("Line", draw(fees), collected_per_kwh=draw(rates)))
    parts.append(draw(energies()))
    parts.append(PerKwhLevy("Fuel", draw(st.decimals("0.01", 3, places=4))))
    bands = (Step(Decimal(900), draw(percents)), Step(None, draw(percents)))
    parts.append(
        PercentLevy("Excise", draw(percents), ("Energy", "Fuel"), bands if draw(maybe) else ())
    )
    parts.append(Rebate("Rebate", draw(st.decimals(0, 10, places=1)), ("Energy",)))
    known = [part.name for part in parts if part.name not in ("Admin", "Town", "Stamp", "Rebate")]
    on = tuple(sorted(draw(st.sets(st.sampled_from(known), min_size=1))))
    above = draw(st.none() | st.integers(1, 400).map(Decimal))
    parts.append(Tax("VAT", draw(percents), on, draw(maybe), above))
    parts.append(Tax("Green", draw(percents), ("VAT", "Fee")))
    step = draw(st.sampled_from([Decimal("0.01"), Decimal("0.1"), Decimal(1)]))
    share = Decimal(draw(st.sampled_from([0, 30, 50, 100])))
    return TariffRules(tuple(parts), Rounding(kwh_step=step), FeeRecovery(share))


due = st.builds(FeeDue, st.integers(0, 6), st.integers(0, 10_000))
contexts = st.builds(
    PurchaseContext,
    bought_wh=st.integers(0, 600_000),
    fees=st.fixed_dictionaries({"Fee": due, "Line": due}),
    average_kwh=st.fractions(0, 1200, max_denominator=3),
    connection_va=st.sampled_from([60, 90, 900, 901, 4600]),
    limit_periods=st.integers(1, 4),
    carried_minor=st.integers(0, 500),
)
tenders = st.integers(1, 10**6)


@given(tenders, tariffs(), contexts)
def test_a_payment_buys_what_a_clerk_finds_by_adding_up(tender_minor, tariff, context):
    tariff.check()
    done = price(tender_minor=tender_minor, tariff=tariff, context=context)
    clerk = Clerk(tariff, context, tender_minor)
    step = Fraction(tariff.rounding.kwh_step)
    assert Fraction(done.issued_wh, 1000) == clerk.most(step)
    cost = clerk.cost(Fraction(done.exact_wh, 1000))
    told = {name: amount for name, amount in done.amounts.items() if amount}
    assert told == {name: amount for name, amount in cost.items() if amount}
    left = tender_minor + context.carried_minor - sum(cost.values())
    assert done.carried_minor == left // 1
    assert not left or not clerk.covers(Fraction(done.exact_wh, 1000) + step)


@given(st.integers(1, 300_000), tariffs(), contexts)
def test_energy_costs_the_least_money_that_a_clerk_says_covers_it(energy_wh, tariff, context):
    least = least_tender(
        energy_wh=energy_wh, tariff=tariff, context=context, largest_tender_minor=10**7
    )
    step = Fraction(tariff.rounding.kwh_step)
    wanted = -(-Fraction(energy_wh, 1000) // step) * step
    if least is None:
        assert not Clerk(tariff, context, 10**7).covers(wanted)
        return
    assert Clerk(tariff, context, least).covers(wanted)
    assert least == 1 or not Clerk(tariff, context, least - 1).covers(wanted)
