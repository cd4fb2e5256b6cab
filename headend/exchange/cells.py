"""Reads the cells of a row by their columns' types, with the same refusals everywhere."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation

from django.conf import settings
from django.utils import timezone

from headend.config import iso4217, opaque
from headend.exchange.errors import InvalidCell


class Cells:
    """One row: text by the column's name. A column that the sheet lacks is as if empty."""

    def __init__(self, cells: dict[str, str]) -> None:
        self._cells = cells

    def __contains__(self, name: str) -> bool:
        return name in self._cells

    def text(self, name: str) -> str:
        """Return a cell as it is; empty if there is none."""
        return self._cells.get(name, "")

    def needed(self, name: str) -> str:
        """Return a cell that must say something.

        Raises:
            InvalidCell: it is empty.
        """
        text = self.text(name)
        if not text:
            raise InvalidCell(f"{name} is empty")
        return text

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number, not below 0.

        Raises:
            InvalidCell: it is none, or empty without a default.
        """
        text = self.text(name)
        if not text and default is not None:
            return default
        if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
            raise InvalidCell(f"{name} {text!r} is not a whole number")
        return int(text)

    def row(self, name: str, kind: str) -> int:
        """Return the row number that an id stands for.

        Args:
            name: of the column.
            kind: label of the model of which a row is meant.

        Raises:
            InvalidCell: it stands for none, or for a row of another kind.
        """
        text = self.text(name)
        try:
            return opaque.decode(kind, text.lower())
        except opaque.WrongKind as error:
            raise InvalidCell(f"{name} {error}") from None
        except ValueError:
            raise InvalidCell(
                f"{name} {text!r} is not an id; it ends the address of their page"
            ) from None

    def minor(self, name: str, *, currency: str = "") -> int:
        """Return an amount of money in minor units.

        Args:
            name: of the column.
            currency: ISO 4217 code; empty: the base currency.

        Raises:
            InvalidCell: it is none; more decimals than the currency has are not rounded.
        """
        text, digits = self.text(name), iso4217.decimals(currency or settings.BASE_CURRENCY)
        cents = rf"([.,][0-9]{{1,{digits}}})?" if digits else ""
        if not re.fullmatch(rf"[0-9]{{1,12}}{cents}", text, re.ASCII):
            example = "150 or 150." + "0" * digits if digits else "150"
            raise InvalidCell(f"{name} {text!r} is not an amount; write {example}")
        return int(Decimal(text.replace(",", ".")).scaleb(digits))

    def minor_or_none(self, name: str) -> int | None:
        """Return an amount of money, or None if the cell is empty."""
        return self.minor(name) if self.text(name) else None

    def wh(self, name: str, default: int | None = None) -> int:
        """Return an energy in Wh, written in kWh.

        Raises:
            InvalidCell: it is none, or empty without a default.
        """
        text = self.text(name)
        if not text and default is not None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,3})?", text, re.ASCII):
            raise InvalidCell(f"{name} {text!r} is not a figure in kWh; write 120 or 120.5")
        return int(Decimal(text.replace(",", ".")).scaleb(3))

    def percent(self, name: str) -> Decimal:
        """Return a percentage of at most four decimals.

        Raises:
            InvalidCell: it is none.
        """
        text = self.text(name)
        try:
            percent = Decimal(text.removesuffix("%").strip())
            is_one = percent.is_finite() and percent == percent.quantize(Decimal("0.0001"))
        except InvalidOperation:  # no number, or one of more digits than there are
            is_one = False
        if not is_one:
            raise InvalidCell(f"{name} {text!r} is not a percentage of at most four decimals")
        return percent

    def day(self, name: str) -> date:
        """Return a day.

        Raises:
            InvalidCell: it is none.
        """
        text = self.text(name)
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
            try:
                return date.fromisoformat(text)
            except ValueError:
                pass
        raise InvalidCell(f"{name} {text!r} is not a date; write 2026-12-01")

    def month(self, name: str) -> date:
        """Return the first day of a month.

        Raises:
            InvalidCell: it is none.
        """
        text = self.text(name)
        shape = re.fullmatch(r"([0-9]{4})-([0-9]{2})(-[0-9]{2})?", text, re.ASCII)
        try:
            return date(int(shape[1]), int(shape[2]), 1) if shape else date(0, 0, 0)
        except ValueError:
            raise InvalidCell(f"{name} {text!r} is not a month; write 2026-12") from None

    def instant(self, name: str) -> datetime:
        """Return an instant; without a zone it is in the utility's, without a time its midnight.

        Raises:
            InvalidCell: it is none.
        """
        text = self.text(name)
        try:
            if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
                raise ValueError
            then = datetime.fromisoformat(text)
            if timezone.is_naive(then):
                then = timezone.make_aware(then)
            return then.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidCell(f"{name} {text!r} is not a time; write 2026-12-01 14:30") from None


def midnight(day: date) -> datetime:
    """Return the beginning of a day in the utility's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))
