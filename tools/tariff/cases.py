"""Published purchases as cases: read from a file, priced, and compared with what was printed.

A case states a tariff as blocks, levies, fees and a VAT with the names of what it applies to, the
circumstances, the tender, how the utility rounds, and what its receipt says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from headend.config.errors import Refusal
from headend.tariffs import components as kinds
from headend.tariffs import rules
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.numbers import plain, to_whole
from headend.tariffs.pricing import Calculation, price
from headend.tariffs.rules import FeeRecovery, Rounding, TariffRules

ENERGY = "energy"
_TAX = "vat"
_ABOVE = re.compile(r"energy_above_([0-9.]+)_kwh")
_BLOCK = re.compile(r"energy block ([0-9]+)")
_BASES = {"energy": ENERGY, "tender": kinds.TENDER, "tender_net_of_service_fee": kinds.TENDER_NET}
_WH_PER_KWH = 1000


class UnreadableCases(ValueError):
    """The file has no cases in it, or one that lacks something."""


@dataclass(frozen=True)
class Verdict:
    """How one case came out."""

    name: str
    kwh: str  # as priced, for the reader
    differences: tuple[str, ...]


def read(path: Path) -> list[dict[str, Any]]:
    """Return the cases of a file.

    Raises:
        UnreadableCases: it is no list of cases.
    """
    try:
        cases = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableCases(f"{path}: {error}") from None
    if isinstance(cases, dict):
        cases = cases.get("cases")
    if not isinstance(cases, list) or not cases or not all(isinstance(c, dict) for c in cases):
        raise UnreadableCases(f"{path}: no list of cases")
    return cases


def check(case: Mapping[str, Any]) -> Verdict:
    """Price a case and compare it with what was printed; a case that can't be priced differs."""
    name = str(case.get("id", "case without id"))
    try:
        done = priced(case)
        return Verdict(name, _printed_kwh(done), tuple(_differences(case, done)))
    except Refusal as error:
        return Verdict(name, "–", (str(error),))
    except KeyError as error:
        return Verdict(name, "–", (f"the case says nothing about {error}",))
    except (ValueError, TypeError, AttributeError, InvalidOperation) as error:
        return Verdict(name, "–", (f"the case can't be read: {error}",))


def priced(case: Mapping[str, Any]) -> Calculation:
    """Return what the price calculation makes of a case."""
    tariff = tariff_of(case)
    periods = int(case.get("fees_due_periods") or 0)
    context = PurchaseContext(
        bought_wh=int(Decimal(str(case.get("bought_this_month_kwh") or "0")) * _WH_PER_KWH),
        fees={fee.name: FeeDue(periods=periods) for fee in tariff.periodic_fees},
    )
    return price(tender_minor=int(case["tender_minor"]), tariff=tariff, context=context)


def tariff_of(case: Mapping[str, Any]) -> TariffRules:
    """Return the rules that a case states.

    Raises:
        InvalidTariff: they contradict themselves.
        KeyError, ValueError: something is missing or no number.
    """
    stated = case["tariff"]
    vat = stated.get("vat")
    parts: list[kinds.Component] = []
    if stated.get("service_fee"):
        fee = stated["service_fee"]
        parts.append(kinds.PurchaseFee(fee["name"], _number(fee["amount"])))
    parts += [
        kinds.PeriodicFee(fee["name"], _number(fee["amount"]))
        for fee in stated.get("fixed_fees") or ()
    ]
    if stated.get("blocks"):
        parts.append(kinds.Energy(ENERGY, _steps(stated["blocks"])))
    parts += [
        kinds.PerKwhLevy(levy["name"], _number(levy["rate_per_kwh"]))
        for levy in stated.get("per_kwh_levies") or ()
    ]
    parts += [
        kinds.PercentLevy(levy["name"], _number(levy["percent"]), (_BASES[levy["base"]],))
        for levy in stated.get("percent_levies") or ()
    ]
    if vat:
        parts += _tax(vat, parts)
    recovery = stated.get("fee_recovery")
    tariff = TariffRules(
        components=tuple(parts),
        rounding=_rounding(case.get("rounding") or {}, parts),
        fee_recovery=_recovery(recovery) if recovery else FeeRecovery(),
        minor_digits=int(case["minor_units"]),
    )
    tariff.check()
    return tariff


def _tax(vat: Mapping[str, Any], parts: list[kinds.Component]) -> list[kinds.Component]:
    """Return the tax, or nothing if the tariff has none of the lines that it is on."""
    known = {part.name for part in parts}
    on: list[str] = []
    above = None
    for entry in vat["applies_to"]:
        limited = _ABOVE.fullmatch(entry)
        name = ENERGY if limited else entry.partition(":")[2] or entry
        above = Decimal(limited[1]) if limited else above
        if name in known and name not in on:
            on.append(name)
    if not on:
        return []
    percent, inclusive = _number(vat["percent"]), bool(vat.get("inclusive"))
    return [kinds.Tax(_TAX, percent, tuple(on), inclusive, energy_above_kwh=above)]


def _rounding(stated: Mapping[str, Any], parts: list[kinds.Component]) -> Rounding:
    default = Rounding()
    residual = stated.get("residual_to")
    if residual is not None:
        names = [part.name for part in parts]
        residual = _TAX if residual not in names and _TAX in names else residual
    return Rounding(
        kwh_step=_number(stated.get("kwh_step", default.kwh_step)),
        kwh_mode=stated.get("kwh_mode", default.kwh_mode),
        lines_from=stated.get("lines_from", default.lines_from),
        money_mode=stated.get("money_mode", default.money_mode),
        residual_to=residual,
    )


def _recovery(stated: Mapping[str, Any]) -> FeeRecovery:
    return FeeRecovery(
        max_share_percent=_number(stated.get("max_share_of_tender_percent", "100")),
        carry=rules.ALWAYS if stated.get("carry_forward") else rules.NOTHING,
    )


def _steps(blocks: list[Mapping[str, Any]]) -> tuple[kinds.Step, ...]:
    return tuple(
        kinds.Step(
            None if block["upto_kwh"] is None else _number(block["upto_kwh"]),
            _number(block["rate_per_kwh"]),
        )
        for block in blocks
    )


def _number(text: object) -> Decimal:
    number = Decimal(str(text))
    if not number.is_finite():
        raise ValueError(f"{text} is not a number")
    return number


def _differences(case: Mapping[str, Any], done: Calculation) -> Iterator[str]:
    expected = case["expect"]
    tolerance = case.get("tolerance") or {}
    kwh = expected.get("kwh")
    if kwh is not None and not case.get("lines_only"):
        off = abs(Fraction(done.issued_wh, _WH_PER_KWH) - Fraction(_number(kwh)))
        if off > Fraction(_number(tolerance.get("kwh") or "0")):
            yield f"kWh {_printed_kwh(done)}, printed {kwh}"
    for line in expected.get("lines") or ():
        got = _amount(line["name"], done, case)
        if got is None:
            yield f"no line {line['name']}, printed {line['amount_minor']}"
        elif abs(got - int(line["amount_minor"])) > int(tolerance.get("line_minor") or 0):
            yield f"{line['name']} {got}, printed {line['amount_minor']}"


def _amount(name: str, done: Calculation, case: Mapping[str, Any]) -> int | None:
    """Return the amount of a line by the name that cases give it; prices as the tariff lists."""
    tariff = tariff_of(case)
    fees = {fee.name for fee in tariff.periodic_fees}
    mode = tariff.rounding.money_mode
    gross = [(line.component, line.amount_minor + line.included_tax_minor) for line in done.lines]
    by_component = {component for component, _ in gross}
    block = _BLOCK.fullmatch(name)
    if name == ENERGY and _is_rounded_as_one(tariff) and ENERGY in done.amounts:
        return to_whole(done.amounts[ENERGY], mode)
    if name in by_component:
        return sum(amount for component, amount in gross if component == name)
    if block:
        parts = [amount for component, amount in gross if component == ENERGY]
        number = int(block[1])
        return parts[number - 1] if 0 < number <= len(parts) else 0
    if name == "energy money":
        return to_whole(done.energy_money, mode)
    if name == "fixed fees":
        return sum(amount for component, amount in gross if component in fees)
    if name == "admin":
        return _of_kind(gross, tariff, kinds.PurchaseFee)
    if name in fees or name == ENERGY:
        return 0  # nothing of it was due
    if _TAX in by_component and name not in {c.name for c in tariff.components}:
        return _of_kind(gross, tariff, kinds.Tax)  # by its local name
    return None


def _of_kind(
    gross: list[tuple[str, int]], tariff: TariffRules, kind: type[kinds.Component]
) -> int | None:
    names = {component.name for component in tariff.components if isinstance(component, kind)}
    amounts = [amount for component, amount in gross if component in names]
    return sum(amounts) if amounts else None


def _is_rounded_as_one(tariff: TariffRules) -> bool:
    """Say whether a printed sum of all blocks is rounded once, not block by block."""
    rounding = tariff.rounding
    return rounding.lines_from != rules.MONEY_FIRST and rounding.residual_to != ENERGY


def _printed_kwh(done: Calculation) -> str:
    return plain(Fraction(done.issued_wh, _WH_PER_KWH), at_least=1)
