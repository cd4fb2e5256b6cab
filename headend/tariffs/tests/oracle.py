"""The worked cases' own arithmetic: what a clerk does with paper and a calculator.

Nothing here is the product's. Each tariff says what so many kWh cost, as plain arithmetic; the
energy of a payment is found by trying: the most kWh, in the tariff's steps, whose cost the payment
covers. What the lines leave of the payment is rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

F = Fraction
STEP = F("0.1")


def cents(amount: F) -> int:
    """Money in the smallest coin, to the nearest, halves up."""
    return (amount * 100 + F(1, 2)) // 1 if amount >= 0 else -cents(-amount)


def most(covers: Callable[[F], bool], step: F = STEP) -> F:
    """The most energy, in steps, that is covered."""
    low, high = 0, 1
    while covers(high * step):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if covers(middle * step) else (low, middle)
    return low * step


def stepped(bought: F, kwh: F, steps: list[tuple[F | None, F]]) -> F:
    """What energy costs by steps, whose limits count from the beginning of the month."""
    total, below = F(0), F(0)
    for upto, rate in steps:
        top = bought + kwh if upto is None else min(bought + kwh, upto)
        bottom = max(bought, below)
        if top > bottom:
            total += (top - bottom) * rate
        below = upto if upto is not None else below
    return total


def flat(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    kwh = most(lambda k: k * F("2.50") * F("1.15") * 100 <= tender)
    vat = (tender * 15 * 2 + 115) // (2 * 115)
    return kwh, {"Energy": cents(kwh * F("2.50")), "VAT": vat}


def three_steps(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    steps = [(F(50), F("1.20")), (F(200), F("1.80")), (None, F("2.60"))]
    kwh = most(lambda k: stepped(bought, k, steps) * 100 <= tender)
    return kwh, {"Energy": by_step(bought, kwh, steps)}


def by_step(bought: F, kwh: F, steps: list[tuple[F | None, F]]) -> int:
    """The energy of each step is a line of its own, rounded by itself."""
    total, at = 0, bought
    for upto, _ in steps:
        top = bought + kwh if upto is None else min(bought + kwh, upto)
        if top > at:
            total += cents(stepped(at, top - at, steps))
            at = top
    return total


def declining(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    steps = [(F(80), F("3.00")), (F(150), F("2.00")), (None, F("2.50"))]
    kwh = most(lambda k: stepped(bought, k, steps) * F("1.18") * 100 <= tender)
    energy = by_step(bought, kwh, steps)
    return kwh, {"Energy": energy, "VAT": cents(F(energy, 100) * F("0.18"))}


def free_step(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    steps = [(F(20), F(0)), (None, F("2.40"))]
    kwh = most(lambda k: (stepped(bought, k, steps) + k * F("0.05")) * 100 <= tender)
    return kwh, {"Energy": by_step(bought, kwh, steps), "Levy": cents(kwh * F("0.05"))}


def levy_on_levy(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    def excise(energy: F) -> F:
        return energy * F("0.03")

    def road(energy: F) -> F:
        return (energy + excise(energy)) * F("0.02")

    def cost(k: F) -> F:
        energy = k * F("0.89")
        return (energy + excise(energy) + road(energy)) * F("1.16")

    kwh = most(lambda k: cost(k) * 100 <= tender)
    energy = kwh * F("0.89")
    lines = {"Energy": cents(energy), "Excise": cents(excise(energy)), "Road": cents(road(energy))}
    return kwh, lines | {"VAT": cents(F(sum(lines.values()), 100) * F("0.16"))}


def fee_and_vat(bought: F, months: int, tender: int) -> tuple[F, dict[str, int]]:
    fee = months * 248
    vat = (tender * 10 * 2 + 110) // (2 * 110)
    energy = tender - vat - fee
    kwh = most(lambda k: k * 24 <= energy, F("0.01"))
    return kwh, {"Fee": fee, "Energy": energy, "VAT": vat}


def capped_fee(bought: F, months: int, tender: int) -> tuple[F, dict[str, int]]:
    fee = min(months * 20000, tender // 2)
    kwh = most(lambda k: k * 200 <= tender - fee)
    return kwh, {"Fee": fee, "Energy": cents(kwh * 2)}


def fee_a_purchase(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    admin = 250
    duty = 500 if tender >= 100000 else 0
    left = tender - admin - duty
    energy = left * 10 // 11  # the levy is 10 % of it; whole coins, rounded down
    kwh = most(lambda k: k * 144 <= energy)
    lines = {"Admin": admin, "Energy": energy, "Local levy": left - energy}
    return kwh, lines | ({"Duty": duty} if duty else {})


def tax_above(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    def above(k: F) -> F:
        return max(F(0), bought + k - max(bought, F(250)))

    kwh = most(lambda k: (k + above(k) * F("0.20")) * 100 <= tender)
    return kwh, {"Energy": cents(kwh), "VAT": cents(F(cents(above(kwh)), 100) * F("0.20"))}


def lifeline(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    small = min(most(lambda k: k * 60 <= tender), F(30) - bought)
    if (F(30) - bought) * 60 >= tender:
        return small, {"Energy": cents(small * F("0.60"))}
    again = cents(bought * F("0.70"))  # the units before, from 0.60 to 1.30
    large = most(lambda k: k * 130 <= tender - again)
    if bought + F(tender - again, 130) > 30:
        return large, {"Energy": again + cents(large * F("1.30"))}
    energy = cents(small * F("0.60"))
    return small, {"Energy": energy, "Left": tender - energy}


def rebate(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    kwh = most(lambda k: k * (3 - F("0.12") - 3 * F("0.005")) * 100 <= tender)
    energy, fuel = cents(kwh * 3), -cents(kwh * F("0.12"))
    return kwh, {"Energy": energy, "Fuel": fuel, "Rebate": -cents(kwh * 3 * F("0.005"))}


def bands(bought: F, average: int, tender: int) -> tuple[F, dict[str, int]]:
    rate = F("1.25") if average <= 30 else F("1.60") if average <= 100 else F("2.00")
    kwh = most(lambda k: k * rate * 100 <= tender)
    return kwh, {"Energy": cents(kwh * rate)}


def adding_limits(bought: F, months: int, tender: int) -> tuple[F, dict[str, int]]:
    fee = months * 336
    steps = [(F(15 * months), F("0.25")), (None, F("0.75"))]
    kwh = most(lambda k: stepped(bought, k, steps) * 100 <= tender - fee)
    return kwh, {"Fee": fee, "Energy": by_step(bought, kwh, steps)}


def on_the_tender(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    kwh = most(lambda k: k * F("0.7192") * 100 <= tender * F("0.95"), F("0.01"))
    return kwh, {
        "Tender levy": cents(F(tender, 100) * F("0.05")),
        "Energy": cents(kwh * F("0.7192")),
    }


def tax_inside(bought: F, _: int, tender: int) -> tuple[F, dict[str, int]]:
    kwh = most(lambda k: k * F("2.30") * 100 <= tender)
    full = cents(kwh * F("2.30"))
    vat = cents(F(full, 100) * 15 / 115)
    return kwh, {"Energy": full - vat, "VAT": vat}


def by_connection(bought: F, va: int, tender: int) -> tuple[F, dict[str, int]]:
    fee = cents(F("6.00") * va / 1000)
    levy = F("0.024") if va <= 900 else F("0.03") if va <= 2200 else F("0.04")
    kwh = most(lambda k: k * F("1.10") * (1 + levy) * 100 <= tender - fee)
    return kwh, {
        "Capacity": fee,
        "Energy": cents(kwh * F("1.10")),
        "Town": cents(kwh * F("1.10") * levy),
    }


# What each tariff of the table is worked out by: (bought before, other figure, tender in cents).
WORK: dict[str, Callable[[F, int, int], tuple[F, dict[str, int]]]] = {
    "Flat": flat,
    "Three steps": three_steps,
    "Declining steps": declining,
    "Free first step": free_step,
    "Levy on levy": levy_on_levy,
    "Fee and VAT first": fee_and_vat,
    "Capped fee": capped_fee,
    "Fee a purchase": fee_a_purchase,
    "Tax above a limit": tax_above,
    "Lifeline": lifeline,
    "Rebate and refund": rebate,
    "Bands": bands,
    "Limits that add up": adding_limits,
    "Levy on the tender": on_the_tender,
    "VAT in the price": tax_inside,
    "By connection": by_connection,
}
