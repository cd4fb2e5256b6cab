"""`prepay ledger`: the trial balance, an account's statement, and the nightly check.

Exit status: 0 all is well, 1 refused or a figure differs, 2 wrong usage.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

import click

from tools.headend.answers import REFUSED, answering, as_json, local_time, print_facts

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def ledger() -> None:
    """Show the ledger, or check every figure against it."""


@ledger.command()
@click.option("--day", type=_DAY, help="At the end of this local day.  [default: now]")
@as_json
def balance(day: datetime | None, json_wanted: bool) -> None:
    """Print the trial balance."""
    with answering(json_wanted):
        from headend.ledger.queries import by_kind, trial_balance

        balances = trial_balance(until=_end_of(day), collapsed=True)
        kinds = {group.kind.value: group.kind.label for group in by_kind(balances)}
        facts = {
            "accounts": [
                {
                    "account": one.code,
                    "name": one.name,
                    "kind": one.kind,
                    "currency": one.currency,
                    "balance_minor": one.amount_minor,
                }
                for one in balances
            ],
        }
        print_facts(json_wanted, facts, partial(_balance_text, kinds))


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
                for line in told.lines
            ],
        }
        print_facts(json_wanted, facts, _statement_text)


@ledger.command()
@click.option("--new", is_flag=True, help="Look only at rows that came since a day before.")
@as_json
def check(new: bool, json_wanted: bool) -> None:
    """Check that every figure follows from the ledger.

    Prints each difference; exit status 1 if there is any. Looks at all rows ever written, as
    housekeeping does each Sunday; with --new at the latest ones, as it does each night.
    """
    with answering(json_wanted):
        from headend.ledger.proofs import differences_of, prove

        proving = prove(at=datetime.now(UTC), whole=not new)
        facts = {
            "proofs": proving.proofs,
            "seconds": proving.seconds,
            "is_whole": proving.is_whole,
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


def _balance_text(kinds: dict[str, str], facts: dict[str, Any]) -> str:
    """Return the trial balance as a table: kind by kind, each with its sums.

    Args:
        kinds: what each kind is called, in the order of the table.
        facts: the balances.
    """
    rows = [_balance_row("Account", "", "", "Debit", "Credit")]
    currencies = sorted({one["currency"] for one in facts["accounts"]})
    for currency in currencies:
        own = [one for one in facts["accounts"] if one["currency"] == currency]
        for kind, label in kinds.items():
            of_kind = [one for one in own if one["kind"] == kind]
            if of_kind:
                rows += ["", label]
                rows += [_one_balance(one) for one in of_kind]
                rows.append(_sum_row(f"{label} together", currency, of_kind))
        rows += ["", _sum_row("Total", currency, own)]
    return "\n".join(rows)


def _balance_row(name: str, code: str, currency: str, debit: str, credit: str) -> str:
    return f"{name:40} {code:28} {currency:4} {debit:>14} {credit:>14}".rstrip()


def _one_balance(one: dict[str, Any]) -> str:
    minor = one["balance_minor"]
    debit, credit = (_amount(side) if side else "" for side in (max(minor, 0), max(-minor, 0)))
    return _balance_row(f"  {one['name']}", one["account"], one["currency"], debit, credit)


def _sum_row(title: str, currency: str, balances: list[dict[str, Any]]) -> str:
    minors = [one["balance_minor"] for one in balances]
    debits = _amount(sum(minor for minor in minors if minor > 0))
    credits_ = _amount(-sum(minor for minor in minors if minor < 0))
    return _balance_row(title, "", currency, debits, credits_)


def _statement_text(facts: dict[str, Any]) -> str:
    rows = [f"{facts['account']} ({facts['currency']})"]
    rows += [
        f"{local_time(line['at'])}  {line['description'][:36]:36} "
        f"{_amount(line['amount_minor']):>14} {_amount(line['balance_minor']):>14}"
        for line in facts["lines"]
    ]
    return "\n".join([*rows, f"{'Balance':59} {_amount(facts['closing_minor']):>29}"])


def _check_text(facts: dict[str, Any]) -> str:
    if facts["told"]:
        return "\n".join([*facts["told"], f"{len(facts['told'])} figures differ."])
    proofs = f"{facts['proofs']} proofs{'' if facts['is_whole'] else ' of what is new'}"
    return f"Every figure follows from the ledger: {proofs}, {facts['seconds']} s."
