"""The editor's form: a tariff document as cards with fields, and a posted form as a document.

Cards follow from the components' own definitions: a new kind appears here by itself.
"""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal
from typing import Any

from headend.tariffs import components as kinds
from headend.tariffs import document, numbers, rules
from headend.tariffs.rules import FeeRecovery, Rounding

Document = dict[str, Any]
_TENDERS = (kinds.TENDER, kinds.TENDER_NET)
_ROWS = {"steps", "bands", "by_connection_va"}  # fields that are lists of rows

KIND_TITLES = {
    "energy": "Energy by steps",
    "energy_by_band": "Energy at one rate by band",
    "lifeline": "Lower price for small users",
    "per_kwh_levy": "Levy per kWh",
    "percent_levy": "Levy in percent",
    "rebate": "Rebate",
    "tax": "Tax",
    "periodic_fee": "Fee per month or day",
    "purchase_fee": "Fee per purchase",
    "tender_duty": "Duty on large purchases",
}

_LABELS = {
    "name": "Name on the receipt",
    "steps": "Steps",
    "bands": "Bands",
    "window": "Limits count",
    "window_days": "Days of the rolling window",
    "limits_accumulate": "Limits of months without a purchase are added",
    "free_units_count": "Free units count in the limits",
    "by": "Band goes by",
    "months": "Months of the average",
    "limit_kwh": "Limit, kWh in the month",
    "rate": "Price per kWh",
    "recover": "Earlier units are repriced",
    "percent": "Percent",
    "on": "Of",
    "by_connection_va": "Percent by connection size, VA (instead)",
    "inclusive": "Prices contain it already",
    "energy_above_kwh": "Only energy above, kWh in the month",
    "amount": "Amount",
    "period": "For each",
    "per_kva": "For each kVA of the connection",
    "accumulates": "Missed periods are charged later",
    "max_periods": "At most so many periods at once",
    "lifeline_amount": "Amount while the lower price holds",
    "collected_per_kwh": "Collected per kWh until paid",
    "from_tender": "On purchases from",
    "kwh_step": "Energy is rounded to, kWh",
    "kwh_mode": "Energy is rounded",
    "lines_from": "Lines are reckoned from",
    "money_mode": "Money is rounded",
    "residual_to": "What rounding leaves goes to",
    "unit_price_step": "Price of a kWh is rounded to",
    "max_share_percent": "Fees take of a purchase at most, percent",
    "carry": "What fees could not take",
}
_MODES = (
    (numbers.HALF_UP, "to the nearest"),
    (numbers.FLOOR, "down"),
    (numbers.CEIL, "up"),
)
_CHOICES = {
    "window": (
        (kinds.CALENDAR_MONTH, "in the calendar month"),
        (kinds.ROLLING_DAYS, "in a rolling window of days"),
        (kinds.EACH_PURCHASE, "anew with each purchase"),
    ),
    "by": ((kinds.AVERAGE_USE, "average use"), (kinds.CONNECTION_VA, "connection size")),
    "recover": ((kinds.NOW, "at once"), (kinds.NEXT_PURCHASE, "with the next purchase")),
    "period": ((kinds.MONTH, "month"), (kinds.DAY, "day")),
    "kwh_mode": _MODES,
    "money_mode": _MODES,
    "lines_from": (
        (rules.EXACT_KWH, "energy before rounding"),
        (rules.ROUNDED_KWH, "rounded energy"),
        (rules.ENERGY_ROUNDED, "rounded energy; taxes and levies from the payment"),
        (rules.MONEY_FIRST, "taxes and levies first, energy from the rest"),
    ),
    "carry": (
        (rules.ALWAYS, "is taken from the next purchases"),
        (rules.WITHIN_PERIOD, "is taken until the period ends"),
        (rules.NOTHING, "is not charged"),
    ),
}


@dataclass(frozen=True)
class Field:
    """One field of a card."""

    name: str  # in the form
    label: str
    widget: str  # text, choice, check, steps, names
    value: Any
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Card:
    """One component."""

    index: int
    kind: str
    title: str
    fields: list[Field]


def cards(stated: Document) -> list[Card]:
    """Return the components of a document, complete or not, as cards."""
    names: list[str] = []
    out: list[Card] = []
    for index, part in enumerate(stated["components"]):
        cls = kinds.KINDS[part["kind"]]
        shown = [
            _field(f"c-{index}-", field, cls, part, [*names, *_TENDERS]) for field in fields(cls)
        ]
        out.append(Card(index, part["kind"], KIND_TITLES[part["kind"]], shown))
        names.append(part.get("name", ""))
    return out


def policy(stated: Document) -> list[Field]:
    """Return the fields of rounding and of the recovery of fees."""
    names = [part.get("name", "") for part in stated["components"]]
    rounding = [
        _field("rounding-", f, Rounding, stated["rounding"], names) for f in fields(Rounding)
    ]
    recovery = [
        _field("fee_recovery-", f, FeeRecovery, stated["fee_recovery"], names)
        for f in fields(FeeRecovery)
    ]
    return [*rounding, *recovery]


def from_post(posted: Mapping[str, str], lists: Any, *, minor_digits: int) -> Document:
    """Return the document that a posted form states, rows still empty included.

    What `filled` leaves of it is given to `document.read`, which says if it is one.

    Args:
        posted: the form's fields.
        lists: returns all values of a field by its name.
        minor_digits: decimals of the currency.
    """
    parts: list[Document] = []
    for index in range(document.LONGEST_LIST):
        kind = posted.get(f"c-{index}-kind")
        if kind not in kinds.KINDS:
            break
        parts.append({"kind": kind} | _posted(f"c-{index}-", kinds.KINDS[kind], posted, lists))
    for part in parts:
        if "on" in part:
            part["on"] = [_name(parts, told) for told in part["on"]]
    rounding = _posted("rounding-", Rounding, posted, lists)
    told = rounding.get("residual_to")
    rounding["residual_to"] = _name(parts, told) if told else None
    return {
        "format": document.FORMAT,
        "minor_digits": minor_digits,
        "components": parts,
        "rounding": rounding,
        "fee_recovery": _posted("fee_recovery-", FeeRecovery, posted, lists),
    }


def changed(stated: Document, do: str) -> Document:
    """Return a document after a button of the editor: `add:tax`, `up:2`, `remove:0`, `step:1`."""
    verb, _, what = do.partition(":")
    stated = copy.deepcopy(stated)
    parts = stated["components"]
    if verb == "add" and what in kinds.KINDS and len(parts) < document.LONGEST_LIST:
        parts.append(_new(what, {part.get("name") for part in parts}))
        return stated
    if not what.isdecimal() or int(what) >= len(parts):
        return stated
    at = int(what)
    if verb == "remove":
        del parts[at]
    elif verb in ("up", "down"):
        other = at + (1 if verb == "down" else -1)
        if 0 <= other < len(parts):
            parts[at], parts[other] = parts[other], parts[at]
    elif verb == "step":
        for name in _ROWS:
            if name in kinds.KINDS[parts[at]["kind"]].__dataclass_fields__:
                parts[at].setdefault(name, []).append({"upto": "", "rate": ""})
    return stated


def filled(stated: Document) -> Document:
    """Return a document without the rows of steps and bands in which nothing is written."""
    stated = copy.deepcopy(stated)
    for part in stated["components"]:
        for name in _ROWS & part.keys():
            part[name] = [row for row in part[name] if row.get("upto") or row.get("rate")]
    return stated


def _new(kind: str, taken: set[str | None]) -> Document:
    title = KIND_TITLES[kind]
    name = next(n for n in (title, *(f"{title} {i}" for i in range(2, 99))) if n not in taken)
    part: Document = {"kind": kind, "name": name}
    for field in fields(kinds.KINDS[kind]):
        if field.name in ("steps", "bands"):
            part[field.name] = [{"upto": None, "rate": ""}]
    return part


def _field(prefix: str, field: Any, cls: type, stated: Document, names: list[str]) -> Field:
    wanted, optional = _unwrapped(document.field_types(cls)[field.name])
    default = None if field.default is MISSING else field.default
    value = stated.get(field.name, default)
    name, label = f"{prefix}{field.name}", _LABELS[field.name]
    if field.name == "on":
        choices = tuple((_index(names, each), each) for each in names)
        return Field(name, label, "names", set(value or ()), choices)
    if field.name == "residual_to":
        choices = (("", "a line of its own"), *((_index(names, n), n) for n in names))
        return Field(name, label, "choice", "" if not value else _index(names, value), choices)
    if typing.get_origin(wanted) is tuple:
        return Field(name, label, "steps", [_row(row) for row in value or ()])
    if field.name in _CHOICES:
        choices = _CHOICES[field.name]
        return Field(name, label, "choice", value or choices[0][0], choices)
    if wanted is bool:
        return Field(name, label, "check", bool(value))
    shown = "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
    return Field(name, label, "text", shown, optional=optional)


def _row(row: Any) -> tuple[str, str]:
    return row.get("upto") or "", row.get("rate") or ""


def _index(names: list[str], name: str) -> str:
    return name if name in _TENDERS else str(names.index(name)) if name in names else name


def _name(parts: list[Document], told: str) -> str:
    """Return the name that a choice stands for, so that renaming a component breaks nothing."""
    if told.isdecimal() and int(told) < len(parts):
        return str(parts[int(told)].get("name", ""))
    return told


def _posted(prefix: str, cls: type, posted: Mapping[str, str], lists: Any) -> Document:
    stated: Document = {}
    for name, hint in document.field_types(cls).items():
        wanted, optional = _unwrapped(hint)
        key = f"{prefix}{name}"
        if name == "on":
            stated[name] = lists(key)
        elif typing.get_origin(wanted) is tuple:
            stated[name] = _posted_steps(key, posted)
        elif wanted is bool:
            stated[name] = key in posted
        else:
            text = posted.get(key, "").strip()
            if wanted is Decimal:
                text = text.replace(",", ".")
            if text or not optional:
                stated[name] = int(text) if wanted is int and _is_whole(text) else text
    return stated


def _posted_steps(key: str, posted: Mapping[str, str]) -> list[Document]:
    rows: list[Document] = []
    for index in range(document.LONGEST_LIST):
        upto, rate = posted.get(f"{key}-{index}-upto"), posted.get(f"{key}-{index}-rate")
        if upto is None or rate is None:
            break
        upto, rate = upto.strip().replace(",", "."), rate.strip().replace(",", ".")
        rows.append({"upto": upto or None, "rate": rate})
    return rows


def _unwrapped(hint: Any) -> tuple[Any, bool]:
    """Return a type without its None, and whether it had one."""
    if typing.get_origin(hint) is not types.UnionType:
        return hint, False
    return next(o for o in typing.get_args(hint) if o is not types.NoneType), True


def _is_whole(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) < 10
