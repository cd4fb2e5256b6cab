"""The sheet of enrolments in free electricity."""

from __future__ import annotations

from headend.customers.models import SupplyAgreement
from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell, RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.known import By, Known, Lookup, column
from headend.exchange.parties import (
    AGREEMENT_BY_METER,
    AGREEMENTS_KNOWN,
    METER,
    agreement_of_row,
    number_of_meter,
)
from headend.vending import free_electricity, free_programmes
from headend.vending.models import FreeEnrolment, FreeProgramme

_PROGRAMME = By(FreeProgramme, ("code",))
_OPEN_ENROLMENT = By(
    FreeEnrolment,
    ("customer_id", "premises_id"),
    lambda: FreeEnrolment.objects.filter(until_month=None).select_related("programme"),
)


def _place(agreement: SupplyAgreement | None) -> tuple[int, int] | None:
    """Return whose part in a programme it is, and where."""
    return (agreement.customer_id, agreement.premises_id) if agreement else None


def _place_told(cells: Cells, known: Known) -> tuple[int, int] | None:
    return _place(known.found(AGREEMENT_BY_METER, number_of_meter(cells)))


@register(
    "free-electricity",
    title="Free electricity",
    purpose="Enrols customers in a programme of free electricity, or ends their part in it.",
    columns=(
        METER,
        Column("programme", "code of the programme", True, "fbe"),
        Column("from_month", "first month; the present one if empty", example="2026-12"),
        Column("until_month", "first month without; empty while it lasts"),
    ),
    key=("meter",),
    permissions=("vending.add_freeenrolment", "vending.change_freeenrolment"),
    lookups=(
        column("programme", _PROGRAMME),
        AGREEMENTS_KNOWN,
        Lookup(_OPEN_ENROLMENT, _place_told),
    ),
    in_batches=True,
    beside=("customer", "customer_name", "address"),
)
def import_enrolment(cells: Cells, context: Context) -> Done:
    """Enrol the customer that a meter serves, at the premises where it stands, or end it."""
    agreement = agreement_of_row(cells, context.known, at=context.at)
    code = cells.needed("programme")
    programme = context.known.find(_PROGRAMME, code)
    if programme is None:
        raise InvalidCell(f"there is no programme with the code {code!r}")
    until_month = cells.month("until_month") if cells.text("until_month") else None
    there = context.known.find(_OPEN_ENROLMENT, _place(agreement))
    if there is not None and there.until_month is not None:
        there = None  # a row before this one ended it
    if there is not None and there.programme != programme:
        raise RowDiffers(f"they take part in {there.programme.code}; end that first")
    if until_month is not None:
        if there is None:
            return Done(Outcome.UNCHANGED, "they take no part in it")
        free_programmes.end_enrolment(
            there,
            until_month=until_month,
            by=context.by,
            at=context.at,
            reason="ended by a sheet",
            source=context.source,
        )
        return Done(Outcome.CHANGED, f"ends with {until_month:%Y-%m}")
    if there is not None:
        return Done(Outcome.UNCHANGED)
    enrolment = free_programmes.enrol(
        programme=programme,
        customer=agreement.customer,
        premises=agreement.premises,
        from_month=cells.month("from_month")
        if cells.text("from_month")
        else free_electricity.month_of(context.at),
        by=context.by,
        at=context.at,
        source=context.source,
    )
    context.known.add(enrolment)
    return Done(Outcome.ADDED, f"{agreement.customer} at {agreement.premises}")
