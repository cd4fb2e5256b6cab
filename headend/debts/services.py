"""Everything that changes debts; each movement is a ledger entry in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import batches, statements, writing
from headend.customers.models import Customer, Premises
from headend.debts.errors import BalanceTooSmall, DebtReferenceTaken, InvalidDebt
from headend.debts.models import Debt, EnergyFloor
from headend.debts.terms import Terms, terms_of
from headend.design import figures
from headend.ledger import chart
from headend.ledger import services as ledger

LARGEST_DEBT_MINOR = 10**13
LONGEST_TITLE = 60
# What entries on a debt's account refer to, besides "sale:": the beginning of their reference.
OPENED, ADJUSTED, WRITTEN_OFF = "debt-opened", "debt-adjusted", "debt-written-off"


@transaction.atomic
def open_debt(
    *,
    owner: Customer | Premises,
    title: str,
    amount_minor: int,
    terms: Terms,
    by: User,
    at: datetime,
    external_reference: str = "",
    plan_minor: int = 0,
) -> Debt:
    """Let a customer owe money, or let it rest on a premises.

    Args:
        owner: a customer's debt goes with them when they move; a premises' debt stays.
        title: what it is for, as receipts print it, 1..60 characters.
        amount_minor: owed from now on, in minor units of the base currency, > 0.
        terms: how it is recovered.
        by: who opens it; needs debts.add_debt.
        at: now.
        external_reference: its name in the system it comes from; the same one is never opened
            twice.
        plan_minor: what the instalments add up to, if a part of them was paid before, elsewhere;
            0: as much as is owed.

    Raises:
        InvalidDebt: amount, title or terms make no sense.
        DebtReferenceTaken: the reference is here already.
    """
    require(by, "debts.add_debt")
    return charge(
        owner=owner,
        title=title,
        amount_minor=amount_minor,
        terms=terms,
        by=by,
        at=at,
        external_reference=external_reference,
        plan_minor=plan_minor,
    )


@transaction.atomic
def charge(
    *,
    owner: Customer | Premises,
    title: str,
    amount_minor: int,
    terms: Terms,
    by: User,
    at: datetime,
    external_reference: str = "",
    plan_minor: int = 0,
    against: str = chart.OPENING_DEBTS,
) -> Debt:
    """Open a debt; only acts approved by a second person call it, everybody else `open_debt`.

    Args: as of `open_debt`, and
        against: the account of the ledger that says where the debt comes from.
    """
    terms.check()
    title = title.strip()
    if not 0 < amount_minor <= LARGEST_DEBT_MINOR:
        largest = figures.money(LARGEST_DEBT_MINOR, currency=settings.BASE_CURRENCY)
        raise InvalidDebt(f"a debt is more than zero and at most {largest}")
    if plan_minor and not amount_minor <= plan_minor <= LARGEST_DEBT_MINOR:
        raise InvalidDebt("instalments add up to what is still owed, or more")
    if not title or len(title) > LONGEST_TITLE:
        raise InvalidDebt("a debt's title has 1 to 60 characters; receipts print it")
    if external_reference and batches.current() is None and _is_taken(external_reference):
        raise DebtReferenceTaken(f"there is a debt {external_reference} already")
    debt = Debt(
        customer=owner if isinstance(owner, Customer) else None,
        premises=owner if isinstance(owner, Premises) else None,
        title=title,
        external_reference=external_reference or None,
        currency=settings.BASE_CURRENCY,
        principal_minor=amount_minor,
        balance_minor=amount_minor,
        plan_minor=plan_minor or amount_minor,
        opened_at=at,
        opened_by=by,
        **asdict(terms),
    )
    batches.save(debt)
    said = f"Debt opened: {title}"
    _post(debt, amount_minor, against, OPENED, said, at, opens=debt.account)
    audit.record(
        actor=by,
        action="debts.open",
        target=debt,
        at=at,
        after={"amount_minor": amount_minor, "currency": debt.currency, **asdict(terms)},
        reason=external_reference,
    )
    return debt


def _is_taken(external_reference: str) -> bool:
    return Debt.objects.filter(external_reference=external_reference).exists()


@transaction.atomic
def change_terms(debt: Debt, terms: Terms, *, by: User, at: datetime, reason: str) -> Debt:
    """Recover a debt on other terms from now on; instalments begin anew with what is owed now.

    Args:
        debt: which.
        terms: the new terms.
        by: who decides; needs debts.change_debt.
        at: now.
        reason: why, kept in the audit record.

    Raises:
        InvalidDebt: the terms make no sense.
    """
    require(by, "debts.change_debt")
    terms.check()
    debt = locked(debt.pk)
    before = asdict(terms_of(debt))
    for name, term in asdict(terms).items():
        setattr(debt, name, term)
    debt.plan_minor = debt.balance_minor
    debt.save()
    audit.record(
        actor=by,
        action="debts.change_terms",
        target=debt,
        at=at,
        before=before,
        after=asdict(terms),
        reason=reason,
    )
    return debt


@transaction.atomic
def set_energy_floor(*, percent: Decimal, by: User, at: datetime) -> EnergyFloor:
    """Decide what share of each purchase debts must leave for energy from now on.

    Args:
        percent: 0..100.
        by: who decides; needs debts.add_energyfloor.
        at: now.

    Raises:
        InvalidDebt: no percentage.
    """
    require(by, "debts.add_energyfloor")
    if not 0 <= percent <= 100:
        raise InvalidDebt("the share that is kept for energy is 0 to 100 percent")
    floor = EnergyFloor.objects.create(percent=percent, valid_from=at, set_by=by)
    audit.record(
        actor=by, action="debts.set_energy_floor", target=floor, at=at, after={"percent": percent}
    )
    return floor


def collect(paid_minor: Mapping[int, int]) -> None:
    """Lower what is owed by what a sale collects; the sale's own entry has the ledger's lines.

    Call it in the sale's transaction, with the debts locked since they were allocated.

    Args:
        paid_minor: what is paid, by the id of the debt.

    Raises:
        IntegrityError: more is collected than is owed.
    """
    for debt_id, amount_minor in sorted(paid_minor.items()):
        writing.change(statements.DEBT_PAID, amount_minor, debt_id)


def give_back(paid_minor: Mapping[int, int]) -> None:
    """Raise what is owed again by what a sale collected that is taken back.

    Call it in the transaction of the reversal, whose own entry has the ledger's lines. Where the
    plan was made anew since, it grows with the debt: the instalments are of what is owed.

    Args:
        paid_minor: what had been paid, by the id of the debt.
    """
    for debt_id, amount_minor in sorted(paid_minor.items()):
        owed_minor = F("balance_minor") + amount_minor
        Debt.objects.filter(pk=debt_id).update(
            balance_minor=owed_minor, plan_minor=Greatest("plan_minor", owed_minor)
        )


def adjust(debt: Debt, amount_minor: int, *, by: User, at: datetime, reason: str) -> Debt:
    """Raise or lower what is owed. Only the approved act calls it.

    Raises:
        BalanceTooSmall: it would fall below nothing.
    """
    return _move(
        debt,
        amount_minor,
        against=chart.DEBT_ADJUSTMENTS,
        kind=ADJUSTED,
        description=f"Debt adjusted: {debt.title}",
        by=by,
        at=at,
        reason=reason,
    )


def write_off(debt: Debt, amount_minor: int, *, by: User, at: datetime, reason: str) -> Debt:
    """Give up a part of what is owed, or all of it. Only the approved act calls it.

    Raises:
        BalanceTooSmall: less is owed by now.
    """
    return _move(
        debt,
        -amount_minor,
        against=chart.DEBTS_WRITTEN_OFF,
        kind=WRITTEN_OFF,
        description=f"Debt written off: {debt.title}",
        by=by,
        at=at,
        reason=reason,
    )


def locked(debt_id: int) -> Debt:
    """Return a debt and keep others from changing it until the transaction ends."""
    return Debt.objects.select_for_update(of=("self",)).get(pk=debt_id)


@transaction.atomic
def _move(
    debt: Debt,
    amount_minor: int,
    *,
    against: str,
    kind: str,
    description: str,
    by: User,
    at: datetime,
    reason: str,
) -> Debt:
    debt = locked(debt.pk)
    before_minor = debt.balance_minor
    if not amount_minor:
        raise InvalidDebt("the amount must be more than nothing")
    if before_minor + amount_minor < 0:
        owed = figures.money(before_minor, currency=debt.currency)
        raise BalanceTooSmall(f"only {owed} of “{debt}” is still owed; ask for less")
    debt.balance_minor += amount_minor
    debt.plan_minor += amount_minor
    debt.save(update_fields=["balance_minor", "plan_minor"])
    _post(debt, amount_minor, against, kind, description, at)
    audit.record(
        actor=by,
        action=f"debts.{'adjust' if kind == ADJUSTED else 'write_off'}",
        target=debt,
        at=at,
        before={"balance_minor": before_minor},
        after={"balance_minor": debt.balance_minor},
        reason=reason,
    )
    return debt


def _post(
    debt: Debt,
    amount_minor: int,
    against: str,
    kind: str,
    description: str,
    at: datetime,
    *,
    opens: str = "",
) -> None:
    ledger.post(
        at=at,
        description=description,
        reference=f"{kind}:{debt.pk}",
        postings=[
            ledger.Posting(debt.account, amount_minor, debt.currency),
            ledger.Posting(against, -amount_minor, debt.currency),
        ],
        opens=opens,
    )
