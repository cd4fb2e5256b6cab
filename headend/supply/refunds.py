"""Pays a settlement's refund; above the rule's limit with two people."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.ledger import cash, chart
from headend.ledger import services as ledger
from headend.supply.errors import RefundNotPossible
from headend.supply.models import Closing, Refund, Settlement
from headend.supply.words import money

PAY_REFUND = "supply.pay_refund"
REFERENCE = "refund"
_ACCOUNTS = {Refund.Method.CASH: chart.CASH_IN_SAFE, Refund.Method.BANK: chart.BANK}


def pay(
    settlement: Settlement, *, method: str, by: User, at: datetime, reference: str = ""
) -> Refund | Approval:
    """Pay a refund out, or ask for it if it is above the limit.

    Args:
        settlement: with a refund that was not paid yet.
        method: of Refund.Method; cash comes from the safe, not from a till's drawer.
        by: who pays; needs supply.pay_refund.
        at: now.
        reference: of the transfer.

    Returns:
        Refund: it is paid; Approval: somebody else has to approve it first.

    Raises:
        RefundNotPossible: nothing to pay, paid already, or asked for already.
        SafeTooLow: it is to be paid in cash, and the safe does not hold as much.
    """
    require(by, "supply.pay_refund")
    _require_unpaid(settlement)
    if method not in Refund.Method.values:
        raise RefundNotPossible(f"{method!r} is not a way to pay a refund")
    if method == Refund.Method.CASH:
        cash.check(chart.CASH_IN_SAFE, settlement.refund_minor, settlement.currency)
    if settlement.refund_minor <= settlement.refund_limit_minor:
        return record(
            settlement, method=method, reference=reference, by=by, approved_by=None, at=at
        )
    if request_waiting(settlement) is not None:
        raise RefundNotPossible(f"the refund of {settlement} waits for approval already")
    told = settlement.particulars
    return approvals.request(
        PAY_REFUND,
        {"settlement": settlement.pk, "method": method, "reference": reference},
        by,
        at,
        settlement.closing.reason,
        f"Pay {money(settlement.refund_minor)} to {told['customer']}, closing {settlement} of "
        f"meter {told['meter_number']}, {Refund.Method(method).label.lower()}",
    )


def request_waiting(settlement: Settlement) -> Approval | None:
    """Return the request for a refund that nobody has decided yet."""
    return _requests(settlement).filter(state=Approval.OPEN).first()


def refused_last(settlement: Settlement) -> Approval | None:
    """Return the last request for a refund if it was refused, for who asks again."""
    last = _requests(settlement).select_related("decided_by").order_by("-requested_at", "-pk")
    asked = last.first()
    return asked if asked is not None and asked.state == Approval.REFUSED else None


def _requests(settlement: Settlement) -> QuerySet[Approval]:
    return Approval.objects.filter(act=PAY_REFUND, arguments__settlement=settlement.pk)


@transaction.atomic
def record(
    settlement: Settlement,
    *,
    method: str,
    reference: str,
    by: User,
    approved_by: User | None,
    at: datetime,
) -> Refund:
    """Pay a refund out: from the safe or the bank. Only `pay` and the approved act call it.

    Raises: as `pay`.
    """
    closing = Closing.objects.select_for_update(of=("self",)).get(pk=settlement.closing_id)
    _require_unpaid(settlement)
    if method == Refund.Method.CASH:
        cash.require(chart.CASH_IN_SAFE, settlement.refund_minor, settlement.currency)
    refund = Refund.objects.create(
        settlement=settlement,
        amount_minor=settlement.refund_minor,
        method=method,
        reference=reference[:60],
        paid_at=at,
        paid_by=by,
        approved_by=approved_by,
    )
    ledger.post(
        at=at,
        description=f"Refund of closing {closing}",
        reference=f"{REFERENCE}:{closing}",
        postings=[
            ledger.Posting(chart.REFUNDS, refund.amount_minor, settlement.currency),
            ledger.Posting(
                _ACCOUNTS[Refund.Method(method)], -refund.amount_minor, settlement.currency
            ),
        ],
    )
    closing.state = Closing.State.REFUNDED
    closing.save(update_fields=["state"])
    audit.record(
        actor=by,
        action="supply.pay_refund",
        target=closing,
        at=at,
        after={
            "amount_minor": refund.amount_minor,
            "method": method,
            "reference": reference,
            "approved_by": approved_by.username if approved_by else None,
        },
    )
    return refund


def _require_unpaid(settlement: Settlement) -> None:
    if not settlement.refund_minor:
        raise RefundNotPossible(f"settlement {settlement} leaves nothing to refund")
    if Refund.objects.filter(settlement=settlement).exists():
        raise RefundNotPossible(f"the refund of {settlement} was paid already")
