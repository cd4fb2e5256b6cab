"""A tariff by which a kWh costs nothing or less is refused before anybody buys at it."""

from decimal import Decimal

import pytest

from headend.accounts.services import console_user
from headend.tariffs import components as kinds
from headend.tariffs import document
from headend.tariffs.components import Energy, PeriodicFee, PerKwhLevy, Rebate, Step
from headend.tariffs.errors import InvalidTariff
from headend.tariffs.models import TariffDraft, TariffVersion
from headend.tariffs.rules import Rounding, TariffRules
from headend.tariffs.services import publish_version, save_draft
from headend.testing import NOON

D = Decimal
ENERGY = Energy("Energy", (Step(D(50), D("0.5")), Step(None, D(2))))
HALF = Rebate("Half", D(50), ("Energy",))
LIFELINE = kinds.Lifeline("Small", D(50), D("0.2"))
BY_SIZE = (Step(D(5000), D(0)), Step(None, D(10)))
RISING = (Step(D(100), D(1)), Step(None, D(3)))
FALLING = (Step(D(100), D(3)), Step(None, D(1)))

REFUSED = {
    "a levy in the first step": (
        (ENERGY, PerKwhLevy("Subsidy", D("-0.6"))),
        "Energy: at the rate 0.50 a kWh comes to -0.10 with Subsidy (-0.60)",
    ),
    "a levy in the last step": (
        (
            Energy("Energy", (Step(D(50), D(3)), Step(None, D(1)))),
            PerKwhLevy("Subsidy", D("-1")),
        ),
        "Energy: at the rate 1.00 a kWh comes to 0.00 with Subsidy (-1.00)",
    ),
    "a levy on energy that is free up to a limit": (
        (
            Energy("Energy", (Step(D(50), D(0)), Step(None, D(1)))),
            PerKwhLevy("Subsidy", D("-0.01")),
        ),
        "Energy: at the rate 0.00 a kWh comes to -0.01 with Subsidy (-0.01)",
    ),
    "two rebates": (
        (ENERGY, HALF, Rebate("Other half", D(50), ("Energy",))),
        "a kWh comes to 0.00 with Half (-0.25) and Other half (-0.25)",
    ),
    "a levy that a tax grows": (
        (
            ENERGY,
            PerKwhLevy("Subsidy", D("-0.5")),
            kinds.Tax("VAT", D(15), ("Subsidy",)),
        ),
        "a kWh comes to -0.075 with Subsidy (-0.50) and VAT (-0.075)",
    ),
    "a lifeline's rate": (
        (ENERGY, LIFELINE, PerKwhLevy("Subsidy", D("-0.2"))),
        "Energy: at the rate 0.20 a kWh comes to 0.00 with Subsidy (-0.20)",
    ),
    "a band by connection": (
        (
            kinds.EnergyByBand("Energy", kinds.CONNECTION_VA, RISING),
            PerKwhLevy("Subsidy", D("-1.5")),
        ),
        "Energy: at the rate 1.00 a kWh comes to -0.50",
    ),
    "a band by use": (
        (
            kinds.EnergyByBand("Energy", kinds.AVERAGE_USE, FALLING),
            PerKwhLevy("Subsidy", D("-1.5")),
        ),
        "Energy: at the rate 1.00 a kWh comes to -0.50",
    ),
    "large connections only": (
        (
            Energy("Energy", (Step(None, D(1)),)),
            PerKwhLevy("Subsidy", D("-0.95")),
            kinds.PercentLevy("On it", D(0), ("Subsidy",), by_connection_va=BY_SIZE),
        ),
        "a kWh comes to -0.045 with Subsidy (-0.95) and On it (-0.095)",
    ),
    "energy below a tax's limit": (
        (
            Energy("Energy", (Step(None, D(1)),)),
            kinds.Tax("VAT", D(20), ("Energy",), energy_above_kwh=D(50)),
            PerKwhLevy("Subsidy", D("-1.1")),
        ),
        "Energy: at the rate 1.00 a kWh comes to -0.10 with Subsidy (-1.10)",
    ),
    "a fee collected with the energy that is given back twice": (
        (
            PeriodicFee("Service", D(50), collected_per_kwh=D(1)),
            Energy("Energy", (Step(None, D("0.5")),)),
            Rebate("One", D(80), ("Service",)),
            Rebate("Two", D(80), ("Service",)),
        ),
        "Service: all of it or more is given back by One and Two",
    ),
    "a fee that is given back": (
        (PeriodicFee("Service", D(50)), ENERGY, Rebate("Free", D(100), ("Service",))),
        "Service: all of it or more is given back by Free",
    ),
}


def rules_of(parts, **more):
    return TariffRules(components=tuple(parts), **more)


@pytest.mark.parametrize(("parts", "words"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_the_component_named(parts, words):
    with pytest.raises(InvalidTariff) as told:
        rules_of(parts).check()
    assert words in str(told.value)


def test_a_rate_that_rounds_to_nothing_is_refused():
    rounding = Rounding(unit_price_step=D("0.01"))
    parts = [Energy("Energy", (Step(None, D("0.004")),))]
    with pytest.raises(InvalidTariff, match="as unit prices are rounded"):
        rules_of(parts, rounding=rounding).check()


@pytest.mark.parametrize(
    "parts",
    [
        (ENERGY, PerKwhLevy("Subsidy", D("-0.49"))),
        (ENERGY, HALF, Rebate("Most", D("49.9"), ("Energy",))),
        (Energy("Energy", (Step(D(50), D(0)), Step(None, D(1)))),),  # free up to a limit
        (kinds.PurchaseFee("Fee", D(5)), ENERGY, Rebate("Free", D(100), ("Fee",))),
        (PeriodicFee("Fee", D(5)), ENERGY, Rebate("Nearly", D(99), ("Fee",))),
        (PeriodicFee("Fee", D(5)),),  # a tariff without energy
    ],
)
def test_what_costs_something_is_taken(parts):
    rules_of(parts).check()


def document_of(parts):
    return document.write(rules_of(parts))


@pytest.mark.django_db
def test_no_way_in_takes_it():
    """Saved as a draft, handed in as a file, approved, published: none is done."""
    bad = REFUSED["a levy in the first step"][0]
    with pytest.raises(InvalidTariff):
        document.read(document_of(bad))
    by = console_user()
    with pytest.raises(InvalidTariff):
        save_draft(
            draft=None, code="t", name="T", valid_from=NOON, rules=rules_of(bad), by=by, at=NOON
        )
    with pytest.raises(InvalidTariff):
        publish_version(code="t", name="T", valid_from=NOON, rules=rules_of(bad), by=by, at=NOON)
    assert not TariffDraft.objects.exists()
    assert not TariffVersion.objects.exists()
