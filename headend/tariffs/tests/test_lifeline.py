"""What a lower price for small users leaves to be paid: whole, once, however it is split."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.tariffs import components as kinds
from headend.tariffs import rules
from headend.tariffs.components import Component, Energy, Lifeline, PeriodicFee, Step, Tax
from headend.tariffs.context import CROSSED, OPEN, SETTLED, Deduction, FeeDue, PurchaseContext
from headend.tariffs.numbers import CEIL, MODES
from headend.tariffs.pricing import least_tender, price
from headend.tariffs.rules import Rounding, TariffRules

LIMIT_KWH = 30
REPRICED = "Energy bought earlier, repriced"
_COINS = st.integers(1, 9000)


@st.composite
def tariffs(draw, recover):
    dear = draw(st.decimals("0.5", 3, places=2))
    cheap = draw(st.decimals("0.05", "0.49", places=2))
    parts: list[Component] = [
        Energy("Energy", (Step(Decimal(60), dear), Step(None, dear + 1))),
        Lifeline("Small", Decimal(LIMIT_KWH), cheap, recover),
        Tax("VAT", draw(st.sampled_from([Decimal(0), Decimal("17.5")])), ("Energy",)),
    ]
    if draw(st.booleans()):
        parts.insert(0, PeriodicFee("Fee", Decimal(5), lifeline_amount=Decimal(2)))
    return TariffRules(
        tuple(parts),
        Rounding(
            kwh_mode=draw(st.sampled_from(MODES)),
            lines_from=draw(st.sampled_from(rules.LINES_FROM)),
            residual_to=draw(st.sampled_from([None, "Energy", "VAT"])),
        ),
    )


class Customer:
    """Buys again and again; adds up what was paid."""

    def __init__(self, tariff):
        self.tariff = tariff
        self.context = PurchaseContext(fees={f.name: FeeDue(1) for f in tariff.periodic_fees})
        self.repriced_minor = self.fees_minor = 0

    def buy(self, tender_minor, deductions=()):
        before = self.context
        done = price(
            tender_minor=tender_minor, tariff=self.tariff, context=before, deductions=deductions
        )
        assert sum(line.amount_minor for line in done.lines) == tender_minor
        shown = sum(
            line.amount_minor + line.included_tax_minor
            for line in done.lines
            if line.description == REPRICED
        )
        assert shown == done.repriced_minor
        self.repriced_minor += shown
        self.fees_minor += done.total_minor("fee")
        self.context = replace(
            before,
            bought_wh=before.bought_wh + done.issued_wh,
            fees={name: FeeDue(0, fee.owed_minor) for name, fee in done.fees.items()},
            lifeline=done.lifeline,
            bought_this_month=True,
            lifeline_owed_minor=done.lifeline_owed_minor,
            carried_minor=done.carried_minor,
        )
        return done

    def earlier_minor(self):
        """What the energy of the lower price costs more, by hand: the first step's rate at it."""
        energy, lifeline = self.tariff.components[-3:-1]
        return (energy.steps[0].rate - lifeline.rate) * 100 * LIMIT_KWH


@given(tariffs(kinds.NEXT_PURCHASE), st.lists(_COINS, min_size=1, max_size=6), st.booleans())
def test_any_split_of_a_sum_pays_the_same_repricing(tariff, tenders, with_debt):
    whole, split = Customer(tariff), Customer(tariff)
    for customer in (whole, split):
        customer.buy(400_00)
        assert customer.context.lifeline == CROSSED
        assert customer.context.lifeline_owed_minor == customer.earlier_minor()

    def half(left_minor):
        return [Deduction("Debt", left_minor // 2)] if with_debt and left_minor > 1 else []

    many = [split.buy(tender, half) for tender in tenders]
    whole.buy(sum(tenders), half)
    # What is cut from a payment, to whole coins with their tax, is kept for the next one.
    assert 0 <= whole.repriced_minor - split.repriced_minor <= 3 * len(tenders)
    for customer in (whole, split):
        paid, owed = customer.repriced_minor, customer.context.lifeline_owed_minor
        assert paid + owed == customer.earlier_minor()
        assert customer.context.lifeline == (CROSSED if owed else SETTLED)
    assert not any(done.issued_wh for done in many if done.lifeline_owed_minor)


@given(tariffs(kinds.NOW), st.lists(_COINS, min_size=1, max_size=8))
def test_who_is_repriced_at_once_pays_it_once_and_whole(tariff, tenders):
    customer = Customer(tariff)
    for tender in tenders:
        before = customer.context
        done = customer.buy(tender)
        if done.lifeline == OPEN:
            assert done.repriced_minor == 0
            assert customer.context.bought_wh <= LIMIT_KWH * 1000
        elif before.lifeline == OPEN:
            rate = customer.earlier_minor() / LIMIT_KWH
            exact = rate * before.bought_wh / 1000
            assert abs(done.repriced_minor - exact) <= Decimal("0.5")
        else:
            assert done.repriced_minor == 0
        assert done.lifeline_owed_minor == 0


@given(
    tariffs(kinds.NEXT_PURCHASE) | tariffs(kinds.NOW),
    st.integers(1, 400_00),
    st.integers(1, 400_00),
    st.lists(_COINS, max_size=3),
)
def test_a_split_gains_no_energy(tariff, first, second, before):
    tariff = replace(tariff, rounding=Rounding(lines_from=rules.EXACT_KWH))
    whole, split = Customer(tariff), Customer(tariff)
    for tender in before:
        whole.buy(tender)
        split.buy(tender)
    whole.buy(first + second)
    split.buy(first)
    split.buy(second)
    assert split.context.bought_wh <= whole.context.bought_wh + 300  # a step of each purchase
    # Nor time: what the whole pays of the repricing, its parts have paid, but for cut coins.
    assert split.context.lifeline_owed_minor <= whole.context.lifeline_owed_minor + 3


@given(tariffs(kinds.NEXT_PURCHASE) | tariffs(kinds.NOW), st.integers(1, 1500), _COINS)
def test_the_least_money_for_so_much_energy_pays_what_is_owed_too(tariff, tenths, part):
    customer = Customer(tariff)
    customer.buy(400_00)
    customer.buy(part)
    tender = least_tender(energy_wh=tenths * 100, tariff=tariff, context=customer.context)
    assert tender is not None

    def issued(minor):
        return price(tender_minor=minor, tariff=tariff, context=customer.context)

    enough = issued(tender)
    assert enough.issued_wh >= tenths * 100
    assert enough.lifeline_owed_minor == 0
    assert tender == 1 or issued(tender - 1).issued_wh < tenths * 100


@given(tariffs(kinds.NEXT_PURCHASE) | tariffs(kinds.NOW), st.lists(_COINS, min_size=1, max_size=6))
def test_a_fee_with_a_lower_amount_is_charged_once(tariff, tenders):
    customer = Customer(tariff)
    for tender in [*tenders, 400_00, 100_00, 100_00]:
        customer.buy(tender)
    assert customer.fees_minor == (500 if tariff.periodic_fees else 0)


def test_money_just_short_of_passing_the_limit_is_kept_whole():
    """With a tax, a part of the repricing leaves a part of a coin, which would buy a trace."""
    tariff = TariffRules(
        (
            Energy("Energy", (Step(None, Decimal(2)),)),
            Lifeline("Small", Decimal(30), Decimal(1)),
            Tax("VAT", Decimal("17.5"), ("Energy",)),
        ),
    )
    context = PurchaseContext(bought_wh=30_000)
    for tender in (1, 999, 3524):
        done = price(tender_minor=tender, tariff=tariff, context=context)
        assert (done.repriced_minor, done.carried_minor, done.lifeline) == (0, tender, OPEN)
    done = price(tender_minor=3549, tariff=tariff, context=context)
    assert (done.repriced_minor, done.issued_wh, done.lifeline) == (3000, 100, SETTLED)


@pytest.mark.parametrize("lines_from", rules.LINES_FROM)
def test_who_owes_for_energy_is_given_no_trace_of_it(lines_from):
    """Not in a new month, either, in which a coin buys energy at the lower price."""
    tariff = TariffRules(
        (
            Energy("Energy", (Step(None, Decimal(2)),)),
            Lifeline("Small", Decimal(30), Decimal("0.01"), kinds.NEXT_PURCHASE),
            Tax("VAT", Decimal("17.5"), ("Energy",)),
        ),
        Rounding(kwh_mode=CEIL, lines_from=lines_from),
    )
    context = PurchaseContext(lifeline_owed_minor=5000)
    for tender in range(990, 1010):
        done = price(tender_minor=tender, tariff=tariff, context=context)
        assert sum(line.amount_minor for line in done.lines) == tender
        assert (done.issued_wh, done.lifeline) == (0, OPEN)
        assert done.lifeline_owed_minor == 5000 - done.repriced_minor < 5000


@pytest.mark.parametrize(
    ("recover", "fees_minor", "bought_kwh"), [(kinds.NOW, 8_00, 36), (kinds.NEXT_PURCHASE, 0, 40)]
)
def test_what_is_given_passes_the_limit_too_but_only_what_was_sold_is_repriced(
    recover, fees_minor, bought_kwh
):
    """20 kWh sold at 1.00 and 15 given pass 30: of the next 100.00, 20.00 reprice the 20 sold."""
    tariff = TariffRules(
        (
            PeriodicFee("Service", Decimal(10), lifeline_amount=Decimal(2)),
            Energy("Energy", (Step(None, Decimal(2)),)),
            Lifeline("Small", Decimal(LIMIT_KWH), Decimal(1), recover),
        )
    )
    context = PurchaseContext(
        bought_wh=35_000, free_wh=15_000, fees={"Service": FeeDue(0)}, bought_this_month=True
    )
    done = price(tender_minor=100_00, tariff=tariff, context=context)
    assert done.repriced_minor == 20_00
    assert done.total_minor("fee") == fees_minor
    assert done.issued_wh == bought_kwh * 1000
    assert (done.lifeline, done.lifeline_owed_minor) == (SETTLED, 0)
    part = price(tender_minor=fees_minor + 5_00, tariff=tariff, context=context)
    assert (part.repriced_minor, part.lifeline, part.lifeline_owed_minor) == (5_00, CROSSED, 15_00)


@pytest.mark.parametrize("recover", [kinds.NOW, kinds.NEXT_PURCHASE])
def test_who_was_only_given_energy_has_nothing_repriced(recover):
    tariff = TariffRules(
        (
            Energy("Energy", (Step(None, Decimal(2)),)),
            Lifeline("Small", Decimal(LIMIT_KWH), Decimal(1), recover),
        )
    )
    beyond = PurchaseContext(bought_wh=50_000, free_wh=50_000)
    done = price(tender_minor=20_00, tariff=tariff, context=beyond)
    assert (done.repriced_minor, done.issued_wh, done.lifeline) == (0, 10_000, SETTLED)
    # 15 given, then 25 bought: at 1.00 the first 15 of them, and these are repriced.
    within = PurchaseContext(bought_wh=15_000, free_wh=15_000)
    done = price(tender_minor=50_00, tariff=tariff, context=within)
    assert done.repriced_minor == 0
    sold_cheaply = 0 if recover == kinds.NOW else 15_00
    assert done.lifeline_owed_minor == sold_cheaply
    assert done.issued_wh == (25_000 if recover == kinds.NOW else 32_500)


@given(
    tariffs(kinds.NEXT_PURCHASE) | tariffs(kinds.NOW),
    st.lists(st.tuples(_COINS, st.integers(0, 400)), min_size=1, max_size=6),
)
def test_energy_given_free_is_never_charged(tariff, history):
    """However purchases and gifts follow each other, only energy that was sold is repriced."""
    customer = Customer(tariff)
    for tender, gift in history:
        customer.buy(tender)
        given_wh = gift * 100
        customer.context = replace(
            customer.context,
            bought_wh=customer.context.bought_wh + given_wh,
            free_wh=customer.context.free_wh + given_wh,
        )
    sold_wh = min(customer.context.bought_wh - customer.context.free_wh, LIMIT_KWH * 1000)
    most = customer.earlier_minor() / LIMIT_KWH * sold_wh / 1000
    assert customer.repriced_minor + customer.context.lifeline_owed_minor <= most + 1
