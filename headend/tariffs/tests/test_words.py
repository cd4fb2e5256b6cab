"""What receipts say of how a line was reckoned comes out to the line's amount."""

from decimal import Decimal

import pytest

from headend.config.exact import Fraction
from headend.tariffs.components import (
    AVERAGE_USE,
    CONNECTION_VA,
    DAY,
    NEXT_PURCHASE,
    Energy,
    EnergyByBand,
    Lifeline,
    PeriodicFee,
    Step,
    Tax,
)
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.pricing import price
from headend.tariffs.rules import NOTHING, ROUNDED_KWH, FeeRecovery, Rounding, TariffRules
from headend.tariffs.words import summary

D = Decimal
ENERGY = Energy("Energy", (Step(None, D(2)),))
FIRST = PurchaseContext()
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
        (20_00, PurchaseContext(fees={"Fee": FeeDue(3)}), (6_00, "3 months at 2.00")),
        (
            200_00,
            PurchaseContext(fees={"Fee": FeeDue(3)}),
            (14_00, "1 month at 10.00 and 2 at 2.00"),
        ),
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


def bill(*parts, tender_minor=100_00, context=FIRST, **policy):
    """Return amount and words of each line that is asked for by its title."""
    tariff = TariffRules(parts, **policy)
    done = price(tender_minor=tender_minor, tariff=tariff, context=context)
    assert sum(each.amount_minor for each in done.lines) == tender_minor
    return {each.description: (each.amount_minor, each.explanation) for each in done.lines}


def test_a_fee_for_which_nothing_was_left_is_told_as_owed():
    fees = (PeriodicFee("First", D(60)), PeriodicFee("Second", D(5)))
    due = PurchaseContext(fees={"First": FeeDue(1), "Second": FeeDue(1)})
    lines = bill(*fees, ENERGY, context=due, fee_recovery=FeeRecovery(D(50)))
    assert lines["Second"] == (0, "1 month at 5.00; 5.00 of it stays owed")
    nothing_due = PurchaseContext(fees={"First": FeeDue(1), "Second": FeeDue(0)})
    lines = bill(*fees, ENERGY, context=nothing_due, fee_recovery=FeeRecovery(D(50)))
    assert "Second" not in lines


def test_a_fee_that_is_cut_for_good_says_so():
    due = PurchaseContext(fees={"Fee": FeeDue(1)})
    recovery = FeeRecovery(D(50), NOTHING)
    lines = bill(PeriodicFee("Fee", D(60)), ENERGY, context=due, fee_recovery=recovery)
    assert lines["Fee"] == (50_00, "1 month at 60.00; 10.00 of it is not charged")


def test_a_fee_collected_with_the_energy_says_what_stays_owed():
    fee = PeriodicFee("Fee", D(60), collected_per_kwh=D("0.5"))
    lines = bill(fee, ENERGY, context=PurchaseContext(fees={"Fee": FeeDue(1)}))
    told = "1 month at 60.00, collected at 0.50 per kWh; 40.00 of it stays owed"
    assert lines["Fee"] == (20_00, told)


def test_the_line_that_rounding_goes_to_says_how_much_of_it():
    energy = Energy("Energy", (Step(None, D("2.10")),))
    to_energy = Rounding(lines_from=ROUNDED_KWH, residual_to="Energy")
    lines = bill(energy, tender_minor=10_00, rounding=to_energy)
    assert lines["Energy"] == (10_00, "4.7 kWh at 2.10, and 0.13 of rounding")  # 4.7 x 2.10: 9.87
    up = Rounding(lines_from=ROUNDED_KWH, residual_to="VAT", kwh_mode="ceil")
    lines = bill(energy, Tax("VAT", D(10), ("Energy",)), tender_minor=10_00, rounding=up)
    assert lines["Energy"] == (9_24, "4.4 kWh at 2.10")
    assert lines["VAT 10 %"] == (76, "10 % of Energy, less 0.16 of rounding")


def test_a_price_that_contains_a_tax_says_what_was_taken_out_of_it():
    energy = Energy("Energy", (Step(None, D("2.30")),))
    lines = bill(energy, Tax("VAT", D(15), ("Energy",), inclusive=True), tender_minor=23_00)
    assert lines["Energy"] == (20_00, "10.0 kWh at 2.30, less the VAT of 3.00 in it")
    assert lines["VAT 15 %, in the prices"] == (3_00, "15 % of Energy")


def test_who_passes_a_limit_is_told_what_the_next_purchase_will_cost():
    lifeline = Lifeline("Small users", D(30), D(1), recover=NEXT_PURCHASE)
    vat = Tax("VAT", D(15), ("Energy",))
    told = (
        "the lower price holds up to 30 kWh a month; beyond it all units cost the same; "
        "30.00 more{} is due with the next purchase for what was bought at the lower price"
    )
    assert bill(ENERGY, lifeline)["Energy, to be repriced"] == (0, told.format(""))
    taxed = bill(ENERGY, lifeline, vat)["Energy, to be repriced"]
    assert taxed == (0, told.format(" (without tax)"))
    assert "Energy, to be repriced" not in bill(ENERGY, lifeline, tender_minor=20_00)


def test_a_rate_is_told_with_all_its_decimals():
    energy = Energy("Energy", (Step(None, D("2.1234567")),))
    assert bill(energy)["Energy"][1].endswith(" kWh at 2.1234567")
    assert summary(TariffRules((energy,)))[0] == "Energy: 2.1234567 per kWh."


@pytest.mark.parametrize(
    ("fee", "told"),
    [
        ({}, "missed months are charged with the next purchase."),
        ({"max_periods": 3}, "missed months too, but never more than 3 months in all."),
        ({"max_periods": 1}, "missed months too, but never more than 1 month in all."),
        ({"accumulates": False}, "months without a purchase are not charged."),
        ({"period": DAY}, "missed days are charged with the next purchase."),
    ],
)
def test_what_becomes_of_missed_periods(fee, told):
    said = summary(TariffRules((PeriodicFee("Fee", D(6), **fee), ENERGY)))
    assert said[0].endswith(told)


def test_energy_that_costs_nothing_is_called_free():
    free_first = Energy("Energy", (Step(D(20), D(0)), Step(None, D(2))))
    lines = bill(free_first, tender_minor=10_00)
    assert lines["Energy, step 1"] == (0, "20.0 kWh free (up to 20 kWh)")
    said = summary(TariffRules((free_first,)))[0]
    assert said.startswith("Energy: free up to 20 kWh, 2.00 per kWh above 20 kWh")


def test_the_summary_says_how_money_is_rounded_and_what_becomes_of_unpaid_fees():
    fee = PeriodicFee("Fee", D(6))
    said = summary(
        TariffRules((fee, ENERGY), Rounding(money_mode="floor"), FeeRecovery(carry=NOTHING))
    )
    assert "Money is rounded down to the smallest coin." in said
    assert "Of fees that a purchase can't pay, the rest is not charged." in said
    capped = summary(TariffRules((fee, ENERGY), fee_recovery=FeeRecovery(D(50))))
    assert any(each.startswith("Fees take at most 50 % of a purchase, tax") for each in capped)
    usual = " ".join(summary(TariffRules((fee, ENERGY))))
    assert "Money is rounded" not in usual
    assert "Of fees" not in usual
