"""`prepay sale`: shows, discloses, reverses and moves a sale, and pays a debt.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 not known (ask again with the same message id).
"""

from __future__ import annotations

import uuid
from typing import Any

import click

from tools.headend.answers import answering, as_json, print_facts
from tools.headend.arguments import IN_CURRENCY, Money
from tools.headend.command import now
from tools.headend.facts import facts_text, sale_facts, sale_text

_MESSAGE = click.option(
    "--message-id", help="Identifies this request; repeated, it is done only once."
)
_REASON = click.option("--reason", required=True, help="Why; kept in the audit record.")


@click.group()
def sale() -> None:
    """Show, disclose, reverse or move a sale; pay a debt."""


@sale.command()
@click.argument("receipt_number", metavar="RECEIPT")
@as_json
def show(receipt_number: str, json_wanted: bool) -> None:
    """Print a sale, without the token if that is held or the sale was reversed."""
    with answering(json_wanted):
        print_facts(json_wanted, sale_facts(_sale(receipt_number)), sale_text)


@sale.command()
@click.argument("receipt_number", metavar="RECEIPT")
@as_json
def disclose(receipt_number: str, json_wanted: bool) -> None:
    """Give out the token of a sale made with `prepay vend --hold`; after that it is final."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.vending import disclosure
        from headend.vending.models import Disclosure

        found = _sale(receipt_number)
        disclosure.disclose(found, to=console_user(), how=Disclosure.How.SHOWN, at=now())
        print_facts(json_wanted, sale_facts(_sale(receipt_number)), sale_text)


@sale.command("copy")
@click.argument("receipt_number", metavar="RECEIPT")
@_REASON
@as_json
def print_copy(receipt_number: str, reason: str, json_wanted: bool) -> None:
    """Print one more copy of a receipt, marked as a copy; copies are numbered and recorded."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.vending import receipts, services

        found = _sale(receipt_number)
        copy = services.reprint(sale=found, by=console_user(), at=now(), reason=reason)
        text = receipts.render_text(receipts.receipt_of(found, copy_number=copy.number))
        facts = {"receipt_number": receipt_number, "copy_number": copy.number, "text": text}
        print_facts(json_wanted, facts, lambda told: str(told["text"]))


@sale.command()
@click.argument("receipt_number", metavar="RECEIPT")
@_REASON
@_MESSAGE
@as_json
def reverse(receipt_number: str, reason: str, message_id: str | None, json_wanted: bool) -> None:
    """Reverse a sale whose token is held, was never made, or is proved unused."""
    message_id = message_id or uuid.uuid4().hex
    with answering(json_wanted, hint=f"ask again with --message-id {message_id}"):
        from headend.accounts.services import console_user
        from headend.vending import reversals

        made = reversals.reverse(
            caller="console",
            message_id=message_id,
            sale=_sale(receipt_number),
            by=console_user(),
            at=now(),
            reason=reason,
        )
        facts = {
            "receipt_number": receipt_number,
            "message_id": made.message_id,
            "basis": made.basis,
            "currency": made.sale.received_currency,
            "returned_minor": made.sale.received_minor,
            "reversed_at": made.reversed_at.isoformat(),
        }
        print_facts(json_wanted, facts, facts_text)


@sale.command()
@click.argument("receipt_number", metavar="RECEIPT")
@click.option("--to", "number", required=True, help="The right meter: its number (DRN) or PAN.")
@click.option(
    "--carried-by",
    "bearer",
    required=True,
    type=click.Choice(["nobody", "customer", "utility"]),
    help="Who bears the cost of the first sale's token.",
)
@_REASON
@as_json
def move(receipt_number: str, number: str, bearer: str, reason: str, json_wanted: bool) -> None:
    """Request that a sale be moved to another meter; a second person approves."""
    with answering(json_wanted):
        from headend.accounts.services import console_user
        from headend.meters.queries import meter_numbered
        from headend.vending import reallocations
        from headend.vending.models import Reallocation

        approval = reallocations.request(
            _sale(receipt_number),
            to=meter_numbered(number),
            bearer=Reallocation.Bearer(bearer),
            by=console_user(),
            at=now(),
            reason=reason,
        )
        facts = {"request": approval.pk, "waits_for_approval": approval.summary}
        print_facts(json_wanted, facts, facts_text)


@sale.command("pay-debt")
@click.argument("debt_id", metavar="DEBT")
@click.option("--amount", "amount_minor", type=Money(), required=True, help="Money, e.g. 50.00.")
@IN_CURRENCY
@_MESSAGE
@as_json
def pay_debt(
    debt_id: str, amount_minor: int, currency: str, message_id: str | None, json_wanted: bool
) -> None:
    """Take a payment for a debt without selling energy; DEBT is the id in its page's address."""
    message_id = message_id or uuid.uuid4().hex
    with answering(json_wanted, hint=f"ask again with --message-id {message_id}"):
        from headend.accounts.services import console_user
        from headend.config import opaque
        from headend.debts.errors import InvalidDebt
        from headend.debts.models import Debt
        from headend.vending import debt_payments

        try:
            debt = Debt.objects.get(pk=opaque.decode("debts.debt", debt_id))
        except (ValueError, Debt.DoesNotExist):
            raise InvalidDebt(
                f"there is no debt {debt_id}; its page's address ends with it"
            ) from None
        made = debt_payments.pay(
            caller="console",
            message_id=message_id,
            debt=debt,
            amount_minor=amount_minor,
            currency=currency,
            operator=console_user(),
            at=now(),
            terminal="console",
        )
        print_facts(json_wanted, sale_facts(made), sale_text)


def _sale(receipt_number: str) -> Any:
    from headend.accounts.services import console_user
    from headend.vending import pages
    from headend.vending.errors import SaleNotFound

    found = pages.sale_numbered(receipt_number, seen_by=console_user()).first()
    if found is None:
        raise SaleNotFound(f"there is no sale {receipt_number}")
    return found
