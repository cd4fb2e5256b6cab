"""Options and value types that the `prepay sts` commands share; one sentence for bad input."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import IO, Any

import click

from shared.sts import identifiers, token_identifier
from shared.sts.cipher import KEY_LENGTHS
from shared.sts.errors import StsError, WrongFormat
from tools.sts import keys

BASE_DATES = {"1993": 1993, "2014": 2014, "2035": 2035, "93": 1993, "14": 2014, "35": 2035}


class BadInput(click.ClickException):
    """Input that no command can work with: one sentence, exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"prepay sts: {self.format_message()}", err=True, file=file)


class OneSentenceCommand(click.Command):
    """A command that answers bad input, its own or the codec's, with a BadInput."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise BadInput(error.format_message()) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (StsError, click.UsageError) as error:
            text = error.format_message() if isinstance(error, click.UsageError) else str(error)
            raise BadInput(text) from error


class OneSentenceGroup(click.Group):
    """A group that answers a name that it does not know with a BadInput."""

    command_class = OneSentenceCommand

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise BadInput(error.format_message()) from error


class Whole(click.ParamType[int]):
    """A whole number in ASCII digits, or hexadecimal ones after 0x."""

    name = "number"

    def __init__(self, minimum: int, maximum: int) -> None:
        self.minimum = minimum
        self.maximum = maximum

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if re.fullmatch("-?[0-9]+", value):
            number = int(value)
        elif re.fullmatch("0x[0-9a-fA-F]+", value):
            number = int(value, 16)
        else:
            self.fail(f"{value!r} is not a whole number", param, ctx)
        if not self.minimum <= number <= self.maximum:
            self.fail(f"{number} is not between {self.minimum} and {self.maximum}", param, ctx)
        return number


def parse_decimal(text: str, what: str) -> Decimal:
    """Return an exact decimal number; WrongFormat for anything but ASCII digits and a point."""
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise WrongFormat(f"{what} is a number such as 25.6, not {text!r}")
    return Decimal(text)


def parse_time(text: str | None, base_date: int) -> int:
    """Return the token identifier of a UTC time such as "2026-07-29 14:30", None for now.

    Raises:
        WrongFormat, OutOfRange: no such time, or none that the base date can count.
    """
    if text is None:
        return token_identifier.from_utc(int(datetime.now(UTC).timestamp()), base_date)
    form = r"([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2})(?::[0-9]{2})?Z?"
    match = re.fullmatch(form, text)
    if match is None:
        raise WrongFormat(f"a time is written as 2026-07-29 14:30 (UTC), not {text!r}")
    year, month, day, hour, minute = (int(part) for part in match.groups())
    return token_identifier.from_calendar(year, month, day, hour, minute, base_date)


def parse_digits(parts: tuple[str, ...]) -> str:
    """Return a token's digits without the spaces and dashes between groups."""
    return re.sub(r"[ \-]", "", "".join(parts))


@dataclass(frozen=True)
class Key:
    """A decoder key and what is known with it.

    Attributes:
        ea: encryption algorithm.
        decoder_key: 8 or 16 bytes.
        base_date: year from which token identifiers count.
        kt, ken: key type and key expiry number.
    """

    ea: int
    decoder_key: bytes
    base_date: int
    kt: int
    ken: int


_KEY_OPTIONS = (
    click.option("--key", "key_hex", help="Decoder key in hex: 8 bytes (EA07) or 16 (EA11)."),
    click.option("--vending-key", help="Vending key in hex, to derive the decoder key from."),
    click.option("--pan", "meter_pan", help="The meter's PAN, 18 digits."),
    click.option("--drn", help="The meter's number, 11 or 13 digits, instead of its PAN."),
    click.option("--dkga", type=Whole(1, 4), default=4, show_default=True),
    click.option("--ea", type=Whole(1, 99), help="7 or 11.  [default: by the key, else 7]"),
    click.option("--sgc", help="Supply group code, 6 digits."),
    click.option("--kt", type=Whole(0, 3), default=2, show_default=True, help="Key type."),
    click.option("--krn", type=Whole(1, 9), default=1, show_default=True, help="Key revision."),
    click.option("--ti", type=Whole(0, 99), default=1, show_default=True, help="Tariff index."),
    click.option("--ken", type=Whole(0, 255), default=255, show_default=True, help="Key expiry."),
    click.option(
        "--base-date", type=click.Choice(list(BASE_DATES)), default="2014", show_default=True
    ),
)
_NAMES = [
    "key_hex",
    "vending_key",
    "meter_pan",
    "drn",
    "dkga",
    "ea",
    "sgc",
    "kt",
    "krn",
    "ti",
    "ken",
    "base_date",
]  # in order


def key_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say under which decoder key a token is; `take_key` reads them."""
    for option in reversed(_KEY_OPTIONS):
        command = option(command)
    return command


def take_key(given: dict[str, Any]) -> Key | None:
    """Return the key that the options name, or None if they name none; removes them from `given`.

    Raises:
        StsError: a key of a wrong length, or attributes that are none.
    """
    named = {name: given.pop(name) for name in _NAMES}
    ea = named["ea"]
    if ea is not None and ea not in KEY_LENGTHS:
        raise WrongFormat(f"encryption algorithm {ea} is not known; there are 7 and 11")
    base_date = BASE_DATES[named["base_date"]]
    if named["key_hex"] is not None:
        lengths = tuple(KEY_LENGTHS.values()) if ea is None else (KEY_LENGTHS[ea],)
        decoder_key = keys.key_bytes(named["key_hex"], "a decoder key", lengths)
        ea = 7 if len(decoder_key) == KEY_LENGTHS[7] else 11
        return Key(ea, decoder_key, base_date, named["kt"], named["ken"])
    if named["vending_key"] is None:
        return None
    if named["sgc"] is None:
        raise WrongFormat("deriving a decoder key needs --sgc, the supply group code")
    ea = ea or 7
    attributes = named | {"ea": ea, "base_date": base_date, "meter_pan": _pan(named)}
    return Key(ea, keys.derive(attributes), base_date, named["kt"], named["ken"])


def require_key(given: dict[str, Any]) -> Key:
    """Return the key that the options name; WrongFormat if they name none."""
    key = take_key(given)
    if key is None:
        raise WrongFormat("this needs --key, or --vending-key with --sgc and --drn or --pan")
    return key


def _pan(named: dict[str, Any]) -> str:
    pan, drn = named["meter_pan"], named["drn"]
    if pan is None and drn is None:
        raise WrongFormat("deriving a decoder key needs the meter: --drn or --pan")
    made = pan if drn is None else identifiers.make_pan(drn)
    if pan not in (None, made):
        raise WrongFormat(f"meter number {drn} has the PAN {made}, not {pan}")
    return str(made)
