"""Money and energy as they are typed on a command line."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import click

from headend.config import iso4217
from headend.design import figures


class Money(click.ParamType):
    """An amount such as 50 or 50.00, read into minor units exactly: of `--currency`, if said."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return minor units of a text, or fail with one sentence."""
        if isinstance(value, int):
            return value
        digits = iso4217.DECIMALS.get(ctx.params.get("currency", "") if ctx else "", 2)
        decimals = rf"(\.[0-9]{{1,{digits}}})?" if digits else ""
        if not re.fullmatch(rf"[0-9]{{1,12}}{decimals}", value):
            example = f"50 or 50.{'0' * digits}" if digits else "50"
            self.fail(f"{value!r} is not an amount; write {example}", param, ctx)
        minor = int(Decimal(value).scaleb(digits))
        if minor == 0:
            self.fail("an amount must be more than nothing", param, ctx)
        return minor


class Energy(click.ParamType):
    """Energy such as 8 or 7.5 kWh, read into Wh exactly."""

    name = "kWh"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Wh of a text, or fail with one sentence."""
        try:
            return figures.read_kwh(value)
        except ValueError as error:
            self.fail(f"{value!r} is no energy; {error}", param, ctx)


IN_CURRENCY = click.option(
    "--currency",
    default="",
    metavar="CODE",
    is_eager=True,
    callback=lambda ctx, param, value: value.upper(),
    help="Currency if not the base currency, e.g. USD; converted at the current rate.",
)
