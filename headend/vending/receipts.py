"""One receipt model and its renderers, so that paper, page and text message never differ.

A `Receipt` is built from a stored sale only: a reprint years later shows the same words. HTML is
the template `vending/receipt.html`; plain text is for narrow printers and for sending.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from headend.config.exact import Fraction
from headend.design import figures
from headend.tariffs.lines import is_explained
from headend.tariffs.numbers import as_decimal
from headend.vending import disclosure
from headend.vending.models import IssuedToken, Sale, SaleLine
from headend.vending.quotes import WH_PER_TOKEN_UNIT

# Signs of ours that printers' character sets lack.
_PLAIN = str.maketrans({"\u00a0": " ", figures.THOUSANDS: " ", "−": "-"})
_NEW_KEY = (
    "Enter the first {count} before the others and within ten minutes of each other: they give "
    "the meter its new key. If it has taken them before, leave them out."
)
COLUMNS = {58: 32, 80: 48}  # characters of the usual font on paper of so many millimetres


@dataclass(frozen=True)
class Line:
    """One line of money: what it is, how it was reckoned, how much."""

    text: str
    amount_minor: int
    detail: str = ""


@dataclass(frozen=True)
class PrintedToken:
    """One token: its title, its 20 digits and, if it carries energy, how much."""

    title: str
    digits: str
    energy_wh: int | None = None
    is_key: bool = False  # one part of a new key


@dataclass(frozen=True)
class Receipt:
    """What a customer is handed. Amounts are in the currency's minor unit, energy in Wh."""

    number: str
    issued_at: datetime  # in the utility's time zone
    utility: str
    utility_tax_number: str
    operator: str
    terminal: str
    customer: str
    address: str
    meter_number: str
    key_attributes: tuple[tuple[str, str], ...]  # SGC, KRN, TI, algorithm
    tariff: str
    lines: tuple[Line, ...]
    tender_minor: int
    currency: str
    currency_digits: int
    energy_wh: int
    tokens: tuple[PrintedToken, ...]
    copy_number: int = 0  # 0: the original
    marks: tuple[str, ...] = ()  # what became of the sale since
    vendor: str = ""  # empty at the utility's own tills
    vendor_tax_number: str = ""
    exchange: tuple[tuple[str, str], ...] = ()  # how money in another currency became the tender

    def money(self, amount_minor: int) -> str:
        """An amount with the sale's currency."""
        return figures.money(amount_minor, currency=self.currency, digits=self.currency_digits)

    @property
    def priced_lines(self) -> list[tuple[Line, str]]:
        """Each line with its amount as text."""
        return [(line, self.money(line.amount_minor)) for line in self.lines]

    @property
    def tender(self) -> str:
        """The money handed over, as text."""
        return self.money(self.tender_minor)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Name and value of what identifies the sale, without those that are not known."""
        rows = [
            ("Receipt", self.number),
            ("Date", self.issued_at.strftime("%Y-%m-%d %H:%M %Z")),
            ("Sold by", self.vendor),
            ("Its tax number", self.vendor_tax_number),
            ("Operator", self.operator),
            ("Terminal", self.terminal),
            ("Customer", self.customer),
            ("Address", self.address),
            ("Meter", self.meter_number),
            ("Tariff", self.tariff),
        ]
        return [(name, value) for name, value in rows if value]

    @property
    def how_to_enter(self) -> str:
        """What the customer does with the tokens."""
        if not self.tokens:
            if self.marks:
                return "This receipt shows no token."
            return "No token: nothing of this payment was left for energy."
        if len(self.tokens) == 1:
            return "Type the 20 digits on the meter's keypad, then press #."
        order = "Type the tokens on the meter's keypad in this order, each followed by #."
        keys = sum(token.is_key for token in self.tokens)
        return f"{order} {_NEW_KEY.format(count=keys)}" if keys else order


def receipt_of(sale: Sale, *, copy_number: int = 0) -> Receipt:
    """Build the receipt of a stored sale, from what was stored with it.

    Args:
        sale: the sale; its lines and tokens are read too.
        copy_number: 0 for the original, else the number of the copy.
    """
    told, standing = sale.particulars, disclosure.standing_of(sale)
    return Receipt(
        number=sale.receipt_number,
        issued_at=timezone.localtime(sale.created_at),
        utility=told["utility"],
        utility_tax_number=told["utility_tax_number"],
        vendor=told.get("vendor", ""),
        vendor_tax_number=told.get("vendor_tax_number", ""),
        operator=told["operator"],
        terminal=told["terminal"],
        customer=told["customer"],
        address=told["address"],
        meter_number=told["meter_number"],
        key_attributes=(
            ("SGC", told["sgc"]),
            ("KRN", str(told["krn"])),
            ("TI", f"{told['ti']:02d}"),
            ("EA", f"{told['ea']:02d}"),
        ),
        tariff=told["tariff"],
        lines=tuple(_line(line, sale) for line in sale.lines.all()),
        tender_minor=sale.tender_minor,
        currency=sale.currency,
        currency_digits=settings.BASE_CURRENCY_MINOR_DIGITS,
        energy_wh=sale.issued_wh,
        tokens=tuple(
            _token(one, sale.receipt_number)
            for one in sorted(sale.tokens.all(), key=_position)
            if disclosure.digits_of(one, standing) is not None
        ),
        exchange=tuple(sale.exchange),
        copy_number=copy_number,
        marks=tuple(_marks(sale, standing)),
    )


def _marks(sale: Sale, standing: disclosure.Standing) -> Iterator[str]:
    """Yield what became of a sale, and what it came from, in words for the receipt's head."""
    if standing.reversed_at is not None:
        yield f"REVERSED {timezone.localtime(standing.reversed_at):%Y-%m-%d %H:%M}"
    if standing.is_held:
        yield "TOKEN NOT GIVEN OUT"
    if hasattr(sale, "reallocation"):
        yield f"MOVED TO {sale.reallocation.new_sale}"
    if hasattr(sale, "reallocated_from"):
        yield f"INSTEAD OF {sale.reallocated_from.sale}"


def _position(token: IssuedToken) -> int:
    return token.position


def price_per_kwh(price_minor: Decimal, *, currency: str) -> str:
    """A unit price with all its decimals: ``R 1.9565/kWh``."""
    price = price_minor.scaleb(-settings.BASE_CURRENCY_MINOR_DIGITS).normalize()
    decimals = max(settings.BASE_CURRENCY_MINOR_DIGITS, -int(price.as_tuple().exponent))
    sign = figures.CURRENCY_SIGNS.get(currency, currency)
    return f"{sign}\u00a0{price:.{decimals}f}/kWh"


def _line(line: SaleLine, sale: Sale) -> Line:
    detail = ""
    if line.energy_wh:
        price_minor = _price_minor(line, sale)
        price = price_per_kwh(price_minor, currency=sale.currency)
        detail = f"{figures.exact_kwh(line.energy_wh)} kWh @ {price}"
    elif line.kind == SaleLine.Kind.TAX and (base_minor := _base_minor(line, sale)) is not None:
        base = figures.money(
            base_minor, currency=sale.currency, digits=settings.BASE_CURRENCY_MINOR_DIGITS
        )
        detail = f"of {base}, before rounding"
    elif is_explained(line.kind, line.energy_wh) and (kept := sale.calculation.get("lines")):
        detail = kept[line.position]["explanation"]
    return Line(line.description, line.amount_minor, detail)


def _base_minor(line: SaleLine, sale: Sale) -> int | None:
    """Return what a tax is on, where the other lines do not show it; the oldest do not say."""
    kept = sale.calculation.get("lines", ())
    base_minor: int | None = kept[line.position].get("base_minor") if kept else None
    return base_minor


def _price_minor(line: SaleLine, sale: Sale) -> Decimal:
    """Return the price of a kWh in minor units; the oldest sales have one for all lines."""
    kept = sale.calculation
    if "lines" not in kept:
        return Decimal(kept["price_minor_per_kwh"])
    return as_decimal(Fraction(kept["lines"][line.position]["price_minor_per_kwh"]))


def _token(token: IssuedToken, receipt_number: str) -> PrintedToken:
    if token.token_class != 0 or token.units is None:
        is_key = token.key_change_id is not None
        return PrintedToken(token.purpose, token.digits, is_key=is_key)
    is_bought = token.purpose == f"sale {receipt_number}"
    title = "Electricity" if is_bought else token.purpose
    return PrintedToken(title, token.digits, token.units * WH_PER_TOKEN_UNIT)


def _pair(left: str, right: str, columns: int) -> list[str]:
    """Left and right on one line, or on several if they do not fit."""
    if len(left) + 1 + len(right) <= columns:
        return [left + " " * (columns - len(left) - len(right)) + right]
    first = textwrap.wrap(left, columns) or [""]
    if len(first[-1]) + 1 + len(right) <= columns:
        last = first.pop()
        return [*first, last + " " * (columns - len(last) - len(right)) + right]
    return [*first, *(part.rjust(columns) for part in textwrap.wrap(right, columns))]


def _token_lines(token: PrintedToken, columns: int) -> list[str]:
    groups = figures.token_groups(token.digits)
    title = token.title
    if token.energy_wh is not None:
        title = f"{title} {figures.kwh(token.energy_wh)} kWh"
    return [title.center(columns).rstrip(), "", " ".join(groups).center(columns).rstrip(), ""]


def render_text(receipt: Receipt, *, paper_mm: int = 80) -> str:
    """The receipt as plain text for a narrow printer or a message.

    Args:
        receipt: what to print.
        paper_mm: 58 or 80; the usual font has 32 or 48 characters there.

    Returns:
        Lines no longer than the paper, each ended by a newline.

    Raises:
        ValueError: paper of another width.
    """
    if paper_mm not in COLUMNS:
        raise ValueError(f"receipts are printed on {sorted(COLUMNS)} mm, not on {paper_mm} mm")
    columns = COLUMNS[paper_mm]
    rule = "-" * columns
    out = [line.center(columns).rstrip() for line in textwrap.wrap(receipt.utility, columns)]
    if receipt.utility_tax_number:
        out.append(f"Tax no. {receipt.utility_tax_number}".center(columns).rstrip())
    if receipt.copy_number:
        out += ["", f"*** COPY {receipt.copy_number} ***".center(columns).rstrip()]
    for mark in receipt.marks:
        out += ["", *(part.center(columns).rstrip() for part in textwrap.wrap(mark, columns))]
    out.append(rule)
    for name, value in receipt.facts:
        out += _pair(name, value, columns)
    attributes = " ".join(f"{name} {value}" for name, value in receipt.key_attributes)
    out += [*textwrap.wrap(attributes, columns), rule]
    for line, amount in receipt.priced_lines:
        out += _pair(line.text, amount, columns)
        out += textwrap.wrap(line.detail, columns, initial_indent="  ", subsequent_indent="  ")
    out.append(rule)
    for name, value in receipt.exchange:
        out += _pair(name, value, columns)
    out += [*_pair("TENDER", receipt.tender, columns)]
    if receipt.tokens:
        out += [*_pair("ENERGY", f"{figures.exact_kwh(receipt.energy_wh)} kWh", columns)]
    out += [rule, ""]
    for token in receipt.tokens:
        out += _token_lines(token, columns)
    out += textwrap.wrap(receipt.how_to_enter, columns)
    return ("\n".join(out) + "\n").translate(_PLAIN)
