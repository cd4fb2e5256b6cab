"""The sheet of bank payments."""

from __future__ import annotations

from django.conf import settings

from headend.exchange.cells import Cells
from headend.exchange.errors import RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.ledger import suspense
from headend.ledger.models import BankPayment


@register(
    "bank-payments",
    title="Payments at the bank",
    purpose="Enters payments; those nobody accounted for wait in suspense. Each reference once.",
    columns=(
        Column("reference", "by which the bank knows the payment", True, "EFT 20417"),
        Column("amount", "what was paid", True, "1940.00"),
        Column("paid_on", "the bank's day", True, "2026-11-20"),
        Column("currency", "that of the account which got it; empty: the base one", example=""),
        Column("payer", "as the bank names them", example="Riverside Spaza"),
        Column("text", "what the payer wrote", example="electricity credit"),
    ),
    key=("reference",),
    permissions=("ledger.add_bankpayment",),
    lookups=(("reference", BankPayment, "reference"),),
    in_batches=True,
)
def import_payment(cells: Cells, context: Context) -> Done:
    """Enter a payment whose reference is new."""
    currency = cells.text("currency").upper() or settings.BASE_CURRENCY
    reference = cells.needed("reference")
    amount_minor = cells.minor("amount", currency=currency)
    there = context.known.find(BankPayment, "reference", suspense.normal(reference))
    if there is not None and (there.amount_minor, there.currency) != (amount_minor, currency):
        raise RowDiffers(f"{there} is here already, with another amount")
    if there is not None:
        return Done(Outcome.UNCHANGED)
    payment = suspense.enter(
        reference=reference,
        amount_minor=amount_minor,
        currency=currency,
        paid_on=cells.day("paid_on"),
        payer=cells.text("payer"),
        text=cells.text("text"),
        by=context.by,
        at=context.at,
    )
    context.known.add(payment)
    return Done(Outcome.ADDED, f"{payment.state} {payment.ended_as}".strip())
