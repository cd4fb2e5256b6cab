"""Clears a payment in suspense to a debt."""

from __future__ import annotations

from headend.config import opaque
from headend.debts import services
from headend.debts.errors import BalanceTooSmall, InvalidDebt
from headend.debts.models import Debt
from headend.design import figures
from headend.ledger import suspense
from headend.ledger.models import BankPayment
from headend.ledger.services import Posting


def check(payment: BankPayment, debt_id: str) -> str:
    """Return a debt in words.

    Args:
        payment: which may be for it.
        debt_id: as the address of its page and the API show it.

    Raises:
        InvalidDebt: there is none of that id in the payment's currency.
        BalanceTooSmall: less is owed than was paid.
    """
    try:
        number = opaque.decode("debts.debt", debt_id)
    except opaque.WrongKind as error:
        raise InvalidDebt(str(error)) from None
    except ValueError:
        number = 0
    debt = Debt.objects.filter(pk=number).first()
    if debt is None:
        raise InvalidDebt(f"there is no debt {debt_id!r}; its page's address ends with it")
    if debt.currency != payment.currency:
        raise InvalidDebt(f"“{debt}” is owed in {debt.currency}, and {payment} is not")
    if debt.balance_minor < payment.amount_minor:
        owed = figures.money(debt.balance_minor, currency=debt.currency)
        raise BalanceTooSmall(f"only {owed} of “{debt}” is owed; the payment is more")
    return f"paid for debt “{debt.title}” of {debt.owner}"


def accept(payment: BankPayment, debt_id: str) -> list[Posting]:
    """Lower the debt by the payment; it goes to the debt's account."""
    debt = services.locked(opaque.decode("debts.debt", debt_id))
    check(payment, debt_id)
    services.collect({debt.pk: payment.amount_minor})
    return [suspense.credit(payment, debt.account)]


suspense.destination("debt", suspense.Destination("A debt", "the id of the debt", check, accept))
