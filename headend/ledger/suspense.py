"""Suspense: money that reached the bank, but whose purpose is not known yet.

A payment is entered as the bank tells it. If somebody already accounted for it, by its reference,
it is matched and moves nothing. Otherwise it lies in suspense until two people say where it
belongs, or until a capability takes it, as vendors do when the credit it pays for is approved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import batches
from headend.config.errors import Refusal
from headend.design import figures
from headend.ledger import cash, chart, queries, services
from headend.ledger.models import BankPayment
from headend.ledger.services import Posting

BANK_PAYMENT = "bank:"  # what the ledger entries of a payment refer to
CLEAR = "ledger.clear_payment"
LARGEST_MINOR = 10**13
LONGEST_REFERENCE = 60


class InvalidPayment(Refusal):
    """A payment can't be as it was entered."""

    code = "bank_payment_invalid"


class PaymentKnown(Refusal):
    """A payment of that reference is there already."""

    code = "bank_payment_known"


class PaymentDiffers(Refusal):
    """Another amount was accounted for under the reference."""

    code = "bank_payment_differs"


class PaymentNotWaiting(Refusal):
    """The payment is where it belongs already."""

    code = "bank_payment_not_waiting"


class UnknownDestination(Refusal):
    """Money in suspense can't go there."""

    code = "suspense_destination_unknown"


_Told = Callable[[BankPayment, str], str]
_Accept = Callable[[BankPayment, str], Sequence[Posting]]


@dataclass(frozen=True)
class Destination:
    """Where a payment may belong.

    Args:
        title: for a person.
        asks_for: what names the one thing there, for example "the id of the debt"; or nothing.
        check: is given what was named; returns it in words, or refuses it.
        accept: makes what keeps a figure follow, in the clearing's transaction, and returns where
            the payment goes: a credit of its amount, and nothing together in other currencies.
    """

    title: str
    asks_for: str
    check: _Told
    accept: _Accept


@dataclass(frozen=True)
class Accounted:
    """What somebody accounted for under a payment's reference, before the bank told of it."""

    amount_minor: int
    currency: str
    what: str  # for a person, for example "credit of Corner Shop"


FindAccounted = Callable[[Collection[str]], Mapping[str, Accounted]]

_destinations: dict[str, Destination] = {}
_accounted: list[FindAccounted] = []


def destination(name: str, found: Destination) -> None:
    """Register where a payment may go; the name never changes."""
    _destinations[name] = found


def destinations() -> dict[str, Destination]:
    """Return where payments may go, by name."""
    return dict(_destinations)


def accounted_by(function: FindAccounted) -> FindAccounted:
    """Register a function that says what was accounted for under which of many references."""
    _accounted.append(function)
    return function


def accounted_for(references: Collection[str]) -> dict[str, Accounted]:
    """Return what was accounted for under references as they are kept, by reference."""
    found: dict[str, Accounted] = {}
    for known in reversed(_accounted):  # what was registered first counts
        found |= known(references)
    return found


def normal(reference: str) -> str:
    """Return a reference as it is kept: capitals, and what stands between words, don't matter.

    A payment typed as "eft-9" is the bank's "EFT 9", so that nobody is given its money twice.

    Raises:
        InvalidPayment: it has not 1 to 60 characters, or no letter and no digit.
    """
    kept = " ".join("".join(c if c.isalnum() else " " for c in reference.upper()).split())
    if not 0 < len(kept) <= LONGEST_REFERENCE:
        raise InvalidPayment(
            "the payment's reference at the bank has 1 to 60 characters, with letters or digits"
        )
    return kept


@transaction.atomic
def enter(
    *,
    reference: str,
    amount_minor: int,
    paid_on: date,
    by: User,
    at: datetime,
    payer: str = "",
    text: str = "",
    currency: str = "",
    accounted: Accounted | Literal["ask"] | None = "ask",
) -> BankPayment:
    """Enter a payment that the bank tells of.

    Args:
        reference: by which the bank knows it; each is entered once.
        amount_minor: in minor units of its currency, > 0.
        paid_on: the bank's day.
        by: who enters it; needs ledger.add_bankpayment.
        at: now.
        payer: as the bank names them, at most 140 characters.
        text: what the payer wrote, at most 200.
        currency: that of the utility's account which got it; empty: the base one.
        accounted: what `accounted_for` said of the reference, if it was asked for many.

    Returns:
        BankPayment: waiting in suspense, or matched.

    Raises:
        InvalidPayment: nothing was paid, there is no reference, or nothing was ever in that
            currency here.
        PaymentKnown: it was entered before.
        PaymentDiffers: another amount was accounted for under the reference.
    """
    require(by, "ledger.add_bankpayment")
    reference = normal(reference)
    if not 0 < amount_minor <= LARGEST_MINOR:
        raise InvalidPayment("a payment must be more than zero, in whole minor currency units")
    currency = currency or settings.BASE_CURRENCY
    if currency != settings.BASE_CURRENCY and currency not in queries.currencies():
        raise InvalidPayment(f"no money here was ever in {currency!r}; look at the currency again")
    if batches.current() is None and BankPayment.objects.filter(reference=reference).exists():
        raise PaymentKnown(f"payment {reference} is there already")
    matched = accounted_for([reference]).get(reference) if accounted == "ask" else accounted
    if matched and (matched.amount_minor, matched.currency) != (amount_minor, currency):
        raise PaymentDiffers(
            f"{matched.what} was accounted for under {reference} with another amount; "
            "find out which is right before entering the payment"
        )
    payment = BankPayment(
        reference=reference,
        amount_minor=amount_minor,
        currency=currency,
        paid_on=paid_on,
        payer=payer.strip()[:140],
        text=text.strip()[:200],
        state=BankPayment.MATCHED if matched else BankPayment.WAITING,
        entered_at=at,
        entered_by=by,
        ended_at=at if matched else None,
        ended_as=matched.what[:200] if matched else "",
    )
    batches.save(payment)
    if matched is None:
        _post(payment, at, chart.BANK, [credit(payment, chart.SUSPENSE)], "Into suspense")
    audit.record(
        actor=by,
        action="ledger.enter_payment",
        target=payment,
        at=at,
        after={
            "reference": reference,
            "amount_minor": amount_minor,
            "currency": currency,
            "state": payment.state,
        },
    )
    return payment


def paid_from(
    reference: str, amount_minor: int, *, currency: str, what: str, by: User, at: datetime
) -> str:
    """Return the account from which a payment with a reference is taken; suspense if it waits.

    Call it in the transaction whose entry debits the account.

    Args:
        reference: by which the bank knows the payment.
        amount_minor: what is accounted for.
        currency: in which.
        what: it is for, in words.
        by: who accounts for it.
        at: now.

    Raises:
        PaymentDiffers: the payment in suspense is of another amount.
        PaymentNotWaiting: it went somewhere else.
    """
    payment = (
        BankPayment.objects.select_for_update(of=("self",))
        .filter(reference=normal(reference))
        .first()
    )
    if payment is None:
        return chart.BANK
    _require_waiting(payment)
    if (payment.amount_minor, payment.currency) != (amount_minor, currency):
        raise PaymentDiffers(f"the bank tells of another amount for {payment}")
    _end(payment, what, by=by, at=at)
    return chart.SUSPENSE


def request_clearing(
    payment: BankPayment, *, to: str, names: str, by: User, at: datetime, reason: str
) -> Approval:
    """Ask for a payment to go where it belongs; somebody else approves.

    Args:
        payment: which waits.
        to: the name of a destination.
        names: the one thing there, if the destination asks for one.
        by: who asks; needs ledger.clear_payment.
        at: now.
        reason: how they know.

    Raises:
        PaymentNotWaiting: it is where it belongs, or somebody asked for it already.
        UnknownDestination: there is none of that name.
        Refusal: the destination does not take it.
    """
    require(by, CLEAR)
    _require_waiting(payment)
    waiting = Approval.objects.filter(act=CLEAR, state=Approval.OPEN)
    if waiting.filter(arguments__payment=payment.pk).exists():
        raise PaymentNotWaiting(f"{payment} waits for a second person already")
    found = _destination(to)
    told = found.check(payment, names)
    return approvals.request(
        CLEAR,
        {"payment": payment.pk, "to": to, "names": names},
        by,
        at,
        reason,
        f"Payment {payment.reference}, {_amount(payment)}, out of suspense: {told}",
    )


@approvals.act(
    CLEAR,
    title="A payment out of suspense",
    permission="ledger.clear_payment",
    approve_permission="ledger.approve_clearing",
)
def perform_clearing(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> BankPayment:
    """Move a payment where it belongs."""
    payment = BankPayment.objects.select_for_update(of=("self",)).get(pk=arguments["payment"])
    _require_waiting(payment)
    found = _destination(arguments["to"])
    told = found.check(payment, arguments["names"])
    credits = found.accept(payment, arguments["names"])
    _post(payment, at, chart.SUSPENSE, credits, "Out of suspense")
    _end(payment, told, by=by, at=at, approved_by=approved_by.username)
    return payment


def _amount(payment: BankPayment) -> str:
    return figures.money(payment.amount_minor, currency=payment.currency)


def credit(payment: BankPayment, account: str) -> Posting:
    """Return the line that puts all of a payment on one account."""
    return Posting(account, -payment.amount_minor, payment.currency)


def _post(
    payment: BankPayment, at: datetime, debit: str, credits: Sequence[Posting], what: str
) -> None:
    services.post(
        at=at,
        description=f"{what}: {payment}, {payment.payer}"[:200].rstrip(", "),
        reference=f"{BANK_PAYMENT}{payment.pk}",
        postings=[
            Posting(debit, payment.amount_minor, payment.currency),
            *credits,
        ],
    )


def _end(payment: BankPayment, what: str, *, by: User, at: datetime, **told: str) -> None:
    payment.state, payment.ended_at, payment.ended_as = BankPayment.CLEARED, at, what[:200]
    payment.save(update_fields=["state", "ended_at", "ended_as"])
    audit.record(
        actor=by,
        action="ledger.clear_payment",
        target=payment,
        at=at,
        before={"state": BankPayment.WAITING},
        after={"state": payment.state, "as": payment.ended_as, **told},
    )


def _require_waiting(payment: BankPayment) -> None:
    if payment.state != BankPayment.WAITING:
        raise PaymentNotWaiting(f"{payment} is {payment.state} already: {payment.ended_as}")


def _destination(name: str) -> Destination:
    try:
        return _destinations[name]
    except KeyError:
        raise UnknownDestination(
            f"money in suspense can't go to {name!r}; choose one of {', '.join(_destinations)}"
        ) from None


def _brought(account: str, told: str) -> tuple[_Told, _Accept]:
    """Return the two functions, check and accept, for cash that was brought to the bank."""

    def check(payment: BankPayment, names: str) -> str:
        cash.check(account, payment.amount_minor, payment.currency)
        return told

    def accept(payment: BankPayment, names: str) -> list[Posting]:
        cash.require(account, payment.amount_minor, payment.currency)
        return [credit(payment, account)]

    return check, accept


destination(
    "safe",
    Destination(
        "Cash that was brought to the bank from the safe",
        "",
        *_brought(chart.CASH_IN_SAFE, "cash from the safe"),
    ),
)
destination(
    "tills",
    Destination(
        "Cash of sales without a shift that was brought to the bank",
        "",
        *_brought(chart.CASH_AT_TILLS, "cash of sales without a shift"),
    ),
)
destination(
    "returned",
    Destination(
        title="Sent back to the payer",
        asks_for="",
        check=lambda payment, names: "sent back to the payer",
        accept=lambda payment, names: [credit(payment, chart.BANK)],
    ),
)
