"""`prepay sts`: check test vectors; make, read and explain tokens and decoder keys."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from typing import Any

import click

from shared.sts import generation, result, transport
from shared.sts.cipher import make_cipher
from shared.sts.errors import UnknownFunction, WrongFormat
from tools import interpreters
from tools.sts import checking, explanation, keys
from tools.sts.options import (
    BadInput,
    OneSentenceGroup,
    Whole,
    key_options,
    parse_decimal,
    parse_digits,
    parse_time,
    require_key,
    take_key,
)

_ALL_TESTS = {0: (1 << 36) - 1, 1: (1 << 28) - 1, 2: (1 << 36) - 1}


@click.group(cls=OneSentenceGroup, context_settings={"help_option_names": ["-h", "--help"]})
def sts() -> None:
    """STS tokens: check test vectors, make, read and explain tokens and keys."""


@sts.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--on", type=click.Choice(list(interpreters.INTERPRETERS)), help="Check there.")
def check(file: Path, on: str | None) -> None:
    """Run every test vector of FILE: one line each, exit status 1 if any differs."""
    listed = checking.load(file)
    different = 0
    try:
        for outcome in checking.check(listed, on):
            different += bool(outcome.differences)
            note = f" (not checked: {', '.join(outcome.unchecked)})" if outcome.unchecked else ""
            click.echo(f"{outcome.vector_id}: {'; '.join(outcome.differences) or 'ok'}{note}")
    except interpreters.InterpreterMissing as error:
        raise BadInput(str(error)) from error
    click.echo(f"{len(listed) - different} of {len(listed)} vectors agree", err=True)
    sys.exit(1 if different else 0)


@sts.command()
@key_options
def key(**given: Any) -> None:
    """Derive a decoder key from a vending key and a meter's attributes."""
    if given.pop("key_hex") is not None:
        raise WrongFormat("--key is what this command answers; give --vending-key")
    click.echo(require_key(given | {"key_hex": None}).decoder_key.hex())


@sts.command()
@click.option("--class", "token_class", type=Whole(-99, 99), required=True, help="0, 1 or 2.")
@click.option("--subclass", type=Whole(-99, 99), default=0, show_default=True)
@click.option(
    "--amount",
    help="kWh, m3, min or currency (class 0); W, register or 16 bits (class 2).",
)
@click.option("--issued", help="UTC time of issue, as 2026-07-29 14:30.  [default: now]")
@click.option("--rnd", type=Whole(0, 15), help="0..15.  [default: random]")
@click.option("--control", type=Whole(0, (1 << 36) - 1), help="Class 1 tests.  [default: all]")
@click.option("--mfr-code", help="Class 1 manufacturer.  [default: zeros, for every meter]")
@key_options
def encode(**given: Any) -> None:
    """Make a token (for a key change see `prepay sts keychange`)."""
    token_class = given["token_class"]
    if token_class not in (0, 1, 2):
        raise UnknownFunction(f"token class {token_class} is not known; there are 0, 1 and 2")
    make = _encode_meter_test if token_class == 1 else _encode_identified
    click.echo(transport.grouped(make(given)))


def _encode_meter_test(given: dict[str, Any]) -> str:
    subclass = given["subclass"]
    if subclass not in _ALL_TESTS:
        raise UnknownFunction(f"class 1 has the subclasses 0, 1 and 2, not {subclass}")
    control = _ALL_TESTS[subclass] if given["control"] is None else given["control"]
    mfr_code = given["mfr_code"] or ("0000" if subclass == 1 else "00")
    return str(generation.meter_test(subclass=subclass, control=control, mfr_code=mfr_code))


def _encode_identified(given: dict[str, Any]) -> str:
    token_class, subclass = given["token_class"], given["subclass"]
    used = require_key(given)
    common: dict[str, Any] = {
        "subclass": subclass,
        "tid": parse_time(given["issued"], used.base_date),
        "ken": used.ken,
    }
    cipher = make_cipher(used.ea, used.decoder_key)
    rnd = secrets.randbelow(16) if given["rnd"] is None else given["rnd"]
    if token_class == 2:
        value = _scaled(given["amount"] or "0", 0)
        return str(generation.management(cipher, value=value, rnd=rnd, **common))
    if given["amount"] is None:
        raise WrongFormat("a credit token needs --amount")
    if subclass in (4, 5, 6, 7):
        amount_e5 = _scaled(given["amount"], 5)
        return str(generation.currency_credit(cipher, amount_e5=amount_e5, **common))
    units = _scaled(given["amount"], 1)
    return str(generation.credit(cipher, units=units, rnd=rnd, **common))


def _scaled(text: str, places: int) -> int:
    """Return a decimal number times a power of ten, rounded up in the customer's favour."""
    scaled = parse_decimal(text, "an amount").scaleb(places)
    return int(scaled.to_integral_value("ROUND_CEILING"))


@sts.command()
@click.option("--new-key", required=True, help="New decoder key in hex.")
@click.option("--new-sgc", required=True, help="New supply group code, 6 digits.")
@click.option("--new-kt", type=Whole(0, 3), default=2, show_default=True)
@click.option("--new-krn", type=Whole(1, 9), default=1, show_default=True)
@click.option("--new-ti", type=Whole(0, 99), default=1, show_default=True)
@click.option("--new-ken", type=Whole(0, 255), default=255, show_default=True)
@click.option("--rollover", is_flag=True, help="The base date becomes a later one.")
@click.option("--tct", type=Whole(1, 8), default=2, show_default=True, help="Token carrier type.")
@click.option("--tokens", type=Whole(2, 4), help="[default: 3 for EA07, 4 for EA11]")
@key_options
def keychange(**given: Any) -> None:
    """Make the tokens that give a meter a new decoder key."""
    used = require_key(given)
    lengths = (len(used.decoder_key),)
    new_key = keys.key_bytes(given["new_key"], "the new decoder key", lengths)
    made = generation.key_change_set(
        make_cipher(used.ea, used.decoder_key),
        ea=used.ea,
        new_key=new_key,
        kt=given["new_kt"],
        krn=given["new_krn"],
        ti=given["new_ti"],
        ken=given["new_ken"],
        sgc=given["new_sgc"],
        rollover=given["rollover"],
        tokens=given["tokens"],
        old_kt=used.kt,
        tct=given["tct"],
    )
    for digits in made:
        click.echo(transport.grouped(digits))


@sts.command()
@click.argument("digits", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: numbers, a fact a field.")
@key_options
def decode(digits: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Read a token: its result and fields; exit status 1 unless a meter would accept it."""
    joined = parse_digits(digits)
    token_class, _ = transport.from_digits(joined)
    used = take_key(given) if token_class in (1, 3) else require_key(given)
    code, token = explanation.judge(joined, used)
    shown: dict[str, Any] = {"result": result.name(code), "code": code}
    if token is not None:
        take_apart = explanation.facts if as_json else explanation.fields
        shown |= dict(take_apart(token, used.base_date if used else 2014))
    if as_json:
        click.echo(json.dumps(shown))
    else:
        _print_pairs(list(shown.items()))
    sys.exit(0 if code == result.ACCEPT else 1)


@sts.command()
@click.argument("digits", nargs=-1, required=True)
@key_options
def explain(digits: tuple[str, ...], **given: Any) -> None:
    """Take a token apart step by step: digits, bits, fields, result."""
    _print_pairs(list(explanation.explain(parse_digits(digits), take_key(given))))


def _print_pairs(pairs: list[tuple[str, Any]]) -> None:
    width = max(len(label) for label, _ in pairs)
    for label, text in pairs:
        click.echo(f"{label:<{width}}  {text}")
