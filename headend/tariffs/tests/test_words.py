"""What receipts say of how a line was reckoned comes out to the line's amount."""

from decimal import Decimal

import pytest

from headend.config.exact import Fraction
from headend.tariffs.components import (
    AVERAGE_USE,
    CONNECTION_VA,
    Energy,
    EnergyByBand,
    Lifeline,
    PeriodicFee,
    Step,
)
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.pricing import price
from headend.tariffs.rules import FeeRecovery, TariffRules

D = Decimal
ENERGY = Energy("Energy", (Step(None, D(2)),))
BANDS = (Step(D(900), D(1)), Step(None, D(2)))


def line(component, context, *, tender_minor=100_00, others=(ENERGY,), share=100):
    """Return amount and words of the component's line."""
    tariff = TariffRules((component, *others), fee_recovery=FeeRecovery(D(share)))
    lines = price(tender_minor=tender_minor, tariff=tariff, context=context).lines
    (found,) = (each for each in lines if each.component == component.name)
    return found.amount_minor, found.explanation


@pytest.mark.parametrize(
    ("fee", "due", "told"),
    [
        ({}, FeeDue(2), (12_00, "2 months at 6.00")),
        ({"per_kva": True}, FeeDue(1), (7_80, "1 month at 6.00 for each of 1.3 kVA")),
        ({}, FeeDue(0, 3_50), (3_50, "3.50 left by earlier purchases")),
        ({}, FeeDue(1, 3_50), (9_50, "1 month at 6.00, and 3.50 left by earlier purchases")),
        (
            {"collected_per_kwh": D("0.5")},
            FeeDue(1, 1_00),
            (
                7_00,
                "1 month at 6.00, and 1.00 left by earlier purchases, collected at 0.50 per kWh",
            ),
        ),
    ],
)
def test_a_fee_says_what_it_is_made_of(fee, due, told):
    context = PurchaseContext(fees={"Fee": due}, connection_va=1300)
    assert line(PeriodicFee("Fee", D(6), **fee), context) == told


def test_a_fee_that_is_cut_says_what_stays_owed():
    context = PurchaseContext(fees={"Fee": FeeDue(1, 20_00)})
    told = "1 month at 60.00, and 20.00 left by earlier purchases; 30.00 of it stays owed"
    assert line(PeriodicFee("Fee", D(60)), context, share=50) == (50_00, told)


@pytest.mark.parametrize(
    ("tender_minor", "context", "told"),
    [
        (20_00, PurchaseContext(fees={"Fee": FeeDue(1)}), (2_00, "1 month at 2.00")),
        (200_00, PurchaseContext(fees={"Fee": FeeDue(1)}), (10_00, "1 month at 10.00")),
        (
            200_00,
            PurchaseContext(bought_wh=29_000, fees={"Fee": FeeDue(0)}),
            (8_00, "the full amount instead of the lower one"),
        ),
    ],
)
def test_a_fee_with_a_lower_amount_says_which_it_was(tender_minor, context, told):
    fee = PeriodicFee("Fee", D(10), lifeline_amount=D(2))
    others = (ENERGY, Lifeline("Lifeline", D(30), D(1)))
    assert line(fee, context, tender_minor=tender_minor, others=others) == told


@pytest.mark.parametrize(
    ("by", "context", "told"),
    [
        (CONNECTION_VA, PurchaseContext(connection_va=900), "1.00 (connection of 900 VA)"),
        (
            AVERAGE_USE,
            PurchaseContext(average_kwh=Fraction(2701, 3)),
            "2.00 (average use 900.3 kWh a month)",
        ),
    ],
)
def test_a_price_by_band_says_what_chose_it(by, context, told):
    _, words = line(EnergyByBand("Energy", by, BANDS), context, others=())
    assert words.endswith(f"kWh at {told}")
