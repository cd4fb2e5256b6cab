"""`prepay ledger`: the trial balance, an account's statement, and the nightly check.

Exit status: 0 all is well, 1 refused or a figure differs, 2 wrong usage.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import click

from tools.headend.answers import REFUSED, answering, as_json, print_facts

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def ledger() -> None:
    """Look at the ledger, or prove every figure against it."""


@ledger.command()
@click.option("--day", type=_DAY, help="At the end of this local day.  [default: now]")
@as_json
def balance(day: datetime | None, json_wanted: bool) -> None:
    """Print the trial balance."""
    with answering(json_wanted):
        from headend.ledger.queries import trial_balance

        balances = trial_balance(until=_end_of(day), collapsed=True)
        facts = {
            "accounts": [
                {
                    "account": one.code,
                    "kind": one.kind,
                    "currency": one.currency,
                    "balance_minor": one.amount_minor,
                }
                for one in balances
            ],
        }
        print_facts(json_wanted, facts, _balance_text)


@ledger.command()
@click.argument("account")
@click.option("--currency", help="Needed if the account has several.")
@as_json
def statement(account: str, currency: str | None, json_wanted: bool) -> None:
    """Print an account's movements with the balance after each, such as of cash.tills."""
    with answering(json_wanted):
        from headend.ledger.models import Account
        from headend.ledger.queries import statement as statement_of

        found = Account.objects.filter(code=account)
        if currency:
            found = found.filter(currency=currency)
        if len(found) != 1:
            raise click.UsageError(
                f"{len(found)} accounts are called {account}; 'prepay ledger balance' lists them"
            )
        told = statement_of(found[0])
        facts = {
            "account": account,
            "currency": found[0].currency,
            "closing_minor": told.closing_minor,
            "lines": [
                {
                    "at": line.entry.at.isoformat(timespec="seconds"),
                    "description": line.entry.description,
                    "reference": line.entry.reference,
                    "amount_minor": line.amount_minor,
                    "balance_minor": line.balance_minor,
                }
                for line in told.lines.iterator()
            ],
        }
        print_facts(json_wanted, facts, _statement_text)


@ledger.command()
@as_json
def check(json_wanted: bool) -> None:
    """Prove that every figure kept elsewhere follows from the ledger; run it each night.

    Prints each difference by name and ends with status 1 if there is any.
    """
    with answering(json_wanted):
        from headend.ledger.proofs import differences_of, prove

        proving = prove(at=datetime.now(UTC))
        facts = {
            "proofs": proving.proofs,
            "seconds": proving.seconds,
            "differences": proving.differences,
            "told": [str(one) for one in differences_of(proving)],
        }
        print_facts(json_wanted, facts, _check_text)
    if proving.differences:
        raise SystemExit(REFUSED)


def _end_of(day: datetime | None) -> datetime | None:
    from django.utils import timezone

    if day is None:
        return None
    return timezone.make_aware(datetime.combine(day.date() + timedelta(days=1), time.min))


def _amount(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def _balance_text(facts: dict[str, Any]) -> str:
    rows = [f"{'Account':32} {'':4} {'Debit':>16} {'Credit':>16}"]
    sums: dict[str, list[int]] = {}
    for one in facts["accounts"]:
        minor, currency = one["balance_minor"], one["currency"]
        sides = (minor, 0) if minor >= 0 else (0, -minor)
        both = sums.setdefault(currency, [0, 0])
        both[0] += sides[0]
        both[1] += sides[1]
        debit, credit = (_amount(side) if side else "" for side in sides)
        rows.append(f"{one['account']:32} {currency:4} {debit:>16} {credit:>16}")
    for currency, (debits, credits_) in sorted(sums.items()):
        rows.append(f"{'Total':32} {currency:4} {_amount(debits):>16} {_amount(credits_):>16}")
    return "\n".join(rows)


def _statement_text(facts: dict[str, Any]) -> str:
    rows = [f"{facts['account']} ({facts['currency']})"]
    rows += [
        f"{line['at'][:16].replace('T', ' ')}  {line['description'][:36]:36} "
        f"{_amount(line['amount_minor']):>14} {_amount(line['balance_minor']):>14}"
        for line in facts["lines"]
    ]
    return "\n".join([*rows, f"{'Balance':54} {_amount(facts['closing_minor']):>29}"])


def _check_text(facts: dict[str, Any]) -> str:
    if facts["told"]:
        return "\n".join([*facts["told"], f"{len(facts['told'])} figures differ."])
    return f"Every figure follows from the ledger: {facts['proofs']} proofs, {facts['seconds']} s."
