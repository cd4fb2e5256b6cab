"""The sheet of bank payments."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.conf import settings

from headend.exchange.cells import Cells
from headend.exchange.errors import RowDiffers
from headend.exchange.kinds import Column, Context, Done, Outcome, register
from headend.exchange.known import By, Known, Lookup
from headend.ledger import suspense
from headend.ledger.models import BankPayment

_PAYMENT = By(BankPayment, ("reference",))


class _Accounted:
    """Finds what was accounted for under references."""

    def find(self, names: Collection[str], /) -> Mapping[str, suspense.Accounted]:
        return suspense.accounted_for(names)


_ACCOUNTED = _Accounted()


def _reference(cells: Cells, _: Known) -> str:
    return suspense.normal(cells.needed("reference"))


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
    lookups=(Lookup(_PAYMENT, _reference), Lookup(_ACCOUNTED, _reference)),
    in_batches=True,
)
def import_payment(cells: Cells, context: Context) -> Done:
    """Enter a payment whose reference is new."""
    currency = cells.text("currency").upper() or settings.BASE_CURRENCY
    reference = cells.needed("reference")
    amount_minor = cells.minor("amount", currency=currency)
    reference = suspense.normal(reference)
    there = context.known.find(_PAYMENT, reference)
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
        accounted=context.known.find(_ACCOUNTED, reference),
    )
    context.known.add(payment)
    return Done(Outcome.ADDED, f"{payment.state} {payment.ended_as}".strip())
