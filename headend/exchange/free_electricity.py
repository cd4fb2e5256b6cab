"""The sheet of enrolments in free electricity."""

from __future__ import annotations

from headend.exchange.cells import Cells
from headend.exchange.errors import InvalidCell, RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.parties import METER, agreement_of_row
from headend.vending import free_electricity, free_programmes
from headend.vending.models import FreeEnrolment, FreeProgramme


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
    lookups=(("programme", FreeProgramme, "code"),),
    in_batches=True,
    beside=("customer", "customer_name", "address"),
)
def import_enrolment(cells: Cells, context: Context) -> Done:
    """Enrol the customer that a meter serves, at the premises where it stands, or end it."""
    agreement = agreement_of_row(cells, at=context.at)
    code = cells.needed("programme")
    programme = context.known.find(FreeProgramme, "code", code)
    if programme is None:
        raise InvalidCell(f"there is no programme with the code {code!r}")
    until_month = cells.month("until_month") if cells.text("until_month") else None
    # At most one is open: without an order, as `first` would ask for, its index is used at once.
    open_ones = FreeEnrolment.objects.filter(
        customer=agreement.customer_id, premises=agreement.premises_id, until_month=None
    )
    there = next(iter(open_ones.select_related("programme")), None)
    if there is not None and there.programme != programme:
        raise RowDiffers(f"they take part in {there.programme.code}; end that first")
    if until_month is not None:
        if there is None:
            return Done(Outcome.UNCHANGED, "they take no part in it")
        context.known.need_own_transaction()
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
    free_programmes.enrol(
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
    return Done(Outcome.ADDED, f"{agreement.customer} at {agreement.premises}")
