"""The sheet of customers' debts."""

from __future__ import annotations

from collections.abc import Callable

from headend.customers.models import Customer, Premises
from headend.debts.models import Debt
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell, RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.known import Known
from headend.exchange.parties import (
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
)


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
        Column("method", ", ".join(Debt.Method.values), True, "percent"),
        Column(
            "rate", "the percent, the amount each time, or the number of instalments", True, "30"
        ),
        *TERMS,
    ),
    key=("reference",),
    permissions=("debts.add_debt",),
    lookups=(("reference", Debt, "external_reference"), CUSTOMERS_KNOWN),
    in_batches=True,
)
def import_debt(cells: Cells, context: Context) -> Done:
    """Open a debt whose reference is new."""
    reference = cells.needed("reference")
    amount_minor = cells.minor("amount")
    if is_there(reference, amount_minor, context.known):
        return Done(Outcome.UNCHANGED)
    debt = open_debt(
        owner=_owner(cells, context),
        title=cells.text("title"),
        amount_minor=amount_minor,
        terms=terms_of(cells),
        by=context.by,
        at=context.at,
        external_reference=reference,
    )
    context.known.add(debt)
    return Done(Outcome.ADDED, str(debt.owner))


def is_there(reference: str, amount_minor: int, known: Known) -> bool:
    """Say whether a debt was imported before.

    Raises:
        RowDiffers: it was, with another amount.
    """
    there = known.find(Debt, "external_reference", reference)
    if there is not None and there.principal_minor != amount_minor:
        raise RowDiffers(f"debt {reference} is here already, with another amount")
    return there is not None


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
    return Terms(**(fields | reads[method]()))  # type: ignore[arg-type]


def _owner(cells: Cells, context: Context) -> Customer | Premises:
    kind = choice_of(cells, "attach_to", ["customer", "premises"], "customer")
    customer = customer_of(cells, context.known)
    if cells.text("meter"):
        if customer is not None:
            raise InvalidCell("the row names a meter and a customer; one is enough")
        agreement = agreement_of_row(cells, at=context.at)
        return agreement.premises if kind == "premises" else agreement.customer
    if kind == "premises":
        raise InvalidCell("a debt on a premises is found by its meter; fill that column")
    if customer is None:
        raise InvalidCell("whose debt is it? fill meter, customer or customer_reference")
    return customer
