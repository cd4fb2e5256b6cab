"""A payment in suspense may turn out to be for a debt."""

from __future__ import annotations

from headend.debts import services
from headend.debts.errors import BalanceTooSmall, InvalidDebt
from headend.debts.models import Debt
from headend.design import figures
from headend.ledger import suspense
from headend.ledger.models import BankPayment


def check(payment: BankPayment, number: str) -> str:
    """Return a debt in words.

    Raises:
        InvalidDebt: there is none of that number in the payment's currency.
        BalanceTooSmall: less is owed than was paid.
    """
    known = Debt.objects.filter(currency=payment.currency)
    debt = known.filter(pk=int(number)).first() if _is_number(number) else None
    if debt is None:
        raise InvalidDebt(f"there is no debt number {number!r}; its page's address ends with it")
    if debt.balance_minor < payment.amount_minor:
        owed = figures.money(debt.balance_minor, currency=debt.currency)
        raise BalanceTooSmall(f"only {owed} of “{debt}” is owed; the payment is more")
    return f"paid for debt {debt.pk}, {debt} of {debt.owner}"


def accept(payment: BankPayment, number: str) -> str:
    """Lower the debt by the payment and return its account."""
    debt = services.locked(int(number))
    check(payment, number)
    services.collect({debt.pk: payment.amount_minor})
    return debt.account


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


suspense.destination("debt", suspense.Destination("A debt", "Number of the debt", check, accept))
