"""The sheet of customers' debts."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from headend.config import opaque
from headend.customers.models import Customer, Premises
from headend.debts.models import Debt
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell, RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.known import By, Known, Lookup, column
from headend.exchange.parties import (
    AGREEMENTS_KNOWN,
    CUSTOMER,
    CUSTOMERS_KNOWN,
    agreement_of_row,
    choice_of,
    customer_of,
)

TERMS = (
    Column("first_due", "instalments: when the first one is due", example="2026-12-01"),
    Column("priority", "1 (if empty) is recovered first"),
    Column("cap_per_purchase", "the most that one purchase pays"),
    Column("cap_per_month", "the most that a month's purchases pay"),
    Column("later_percent", "percent, percent_owed: another percent from later_from on"),
    Column("later_from", "the day from which it holds", example="2027-03-01"),
    Column("blocked_from", "the day from which nothing is sold before the debt is paid"),
)
DEBT_BY_REFERENCE = By(Debt, ("external_reference",))
_DEBT_HERE = By(Debt, ("pk",), lambda: Debt.objects.filter(external_reference=None))


@register(
    "debts",
    title="Debts",
    purpose="Opens what customers owe by another system's books; each reference once.",
    columns=(
        Column(
            "reference",
            "the debt's name in the system it comes from; each is imported once",
            True,
            "D-77",
        ),
        Column(
            "meter", "number of the meter whose customer owes it, or whose premises it rests on"
        ),
        *CUSTOMER,
        Column("attach_to", "customer (if empty) or premises"),
        Column("title", "what it is for, as receipts print it", True, "Arrears"),
        Column("amount", "what is owed", True, "150.00"),
        Column("balance", "what of it is still owed, if a part was paid: only that is opened"),
        Column("method", ", ".join(Debt.Method.values), True, "percent"),
        Column(
            "rate", "the percent, the amount each time, or the number of instalments", True, "30"
        ),
        Column("plan", "instalments: what they add up to, if a part of them was paid"),
        *TERMS,
        Column("currency", "if given, the base one"),
        *(
            Column(name, "of an export; only read by people")
            for name in ("id", "owner", "opened_at")
        ),
    ),
    key=("reference",),
    permissions=("debts.add_debt",),
    lookups=(
        column("reference", DEBT_BY_REFERENCE),
        Lookup(_DEBT_HERE, lambda cells, _: _number_here(cells.text("reference"))),
        *CUSTOMERS_KNOWN,
        AGREEMENTS_KNOWN,
    ),
    in_batches=True,
)
def import_debt(cells: Cells, context: Context) -> Done:
    """Open a debt whose reference is new, with what of it is still owed."""
    reference = cells.needed("reference")
    amount_minor = cells.minor("amount")
    balance_minor = cells.minor("balance") if cells.text("balance") else amount_minor
    if balance_minor > amount_minor:
        raise InvalidCell("balance is what is still owed of amount, so it can't be more")
    if cells.text("currency") not in ("", settings.BASE_CURRENCY):
        raise InvalidCell(f"debts here are in {settings.BASE_CURRENCY}")
    if is_there(reference, amount_minor, context.known, balance_minor=balance_minor):
        return Done(Outcome.UNCHANGED)
    if amount_minor and not balance_minor:
        return Done(Outcome.UNCHANGED, "nothing of it is owed any more")
    debt = open_debt(
        owner=_owner(cells, context),
        title=cells.text("title"),
        amount_minor=balance_minor,
        plan_minor=cells.minor_or_none("plan") or 0,
        terms=terms_of(cells),
        by=context.by,
        at=context.at,
        external_reference=reference,
    )
    context.known.add(debt)
    return Done(Outcome.ADDED, str(debt.owner))


def is_there(
    reference: str, amount_minor: int, known: Known, *, balance_minor: int | None = None
) -> bool:
    """Say whether a debt was imported before, or is one of here that was exported.

    Args:
        reference: its name elsewhere; or its id here, by which an export names one without.
        amount_minor: what was owed at first.
        known: what the rows name.
        balance_minor: what was still owed when it was exported, with which it was opened then.

    Raises:
        RowDiffers: it was, with another amount.
    """
    there = known.find(DEBT_BY_REFERENCE, reference)
    number = _number_here(reference)
    if there is None and number is not None:
        there = known.find(_DEBT_HERE, number)
    if there is not None and there.principal_minor not in (amount_minor, balance_minor):
        raise RowDiffers(f"debt {reference} is here already, with another amount")
    return there is not None


def _number_here(reference: str) -> int | None:
    """Return the number of the debt whose id here a reference is; None if it is none."""
    try:
        return opaque.decode("debts.debt", reference)
    except ValueError:
        return None


def terms_of(cells: Cells, prefix: str = "") -> Terms:
    """Return how a row wants a debt recovered.

    Args:
        cells: the row.
        prefix: of its columns about the debt.

    Raises:
        InvalidCell, InvalidDebt: it can't be recovered so.
    """
    method, rate = cells.text(f"{prefix}method"), f"{prefix}rate"
    reads: dict[str, Callable[[], dict[str, object]]] = {
        Debt.Method.PERCENT: lambda: {"percent": cells.percent(rate)},
        Debt.Method.PERCENT_OWED: lambda: {"percent": cells.percent(rate)},
        Debt.Method.PER_PURCHASE: lambda: {"amount_minor": cells.minor(rate)},
        Debt.Method.PER_MONTH: lambda: {"amount_minor": cells.minor(rate)},
        Debt.Method.INSTALMENTS: lambda: {
            "instalments": cells.whole(rate),
            "first_due": cells.day(f"{prefix}first_due"),
        },
    }
    if method not in reads:
        Terms(method=method).check()  # refuses it, and says what there is
    fields: dict[str, object] = {
        "method": method,
        "priority": cells.whole(f"{prefix}priority", 1),
        "cap_per_purchase_minor": cells.minor_or_none(f"{prefix}cap_per_purchase"),
        "cap_per_month_minor": cells.minor_or_none(f"{prefix}cap_per_month"),
    }
    if cells.text(f"{prefix}blocked_from"):
        fields["blocked_from"] = cells.day(f"{prefix}blocked_from")
    if cells.text(f"{prefix}later_percent") or cells.text(f"{prefix}later_from"):
        fields["later_percent"] = cells.percent(f"{prefix}later_percent")
        fields["later_from"] = cells.day(f"{prefix}later_from")
    return Terms(**(fields | reads[method]()))  # type: ignore[arg-type]


def _owner(cells: Cells, context: Context) -> Customer | Premises:
    kind = choice_of(cells, "attach_to", ["customer", "premises"], "customer")
    customer = customer_of(cells, context.known)
    if cells.text("meter"):
        if customer is not None:
            raise InvalidCell("the row names a meter and a customer; one is enough")
        agreement = agreement_of_row(cells, context.known, at=context.at)
        return agreement.premises if kind == "premises" else agreement.customer
    if kind == "premises":
        raise InvalidCell("a debt on a premises is found by its meter; fill that column")
    if customer is None:
        raise InvalidCell("whose debt is it? fill meter, customer or customer_reference")
    return customer
