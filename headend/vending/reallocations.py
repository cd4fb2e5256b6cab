"""Moves a sale's value to the right meter: one person requests it, another approves.

A token that was given out can't be taken back. So the money is spent once more, on the right
meter, at the tariff of that day, and somebody bears the cost of what the first sale gave away:

- nobody, if the first sale can be reversed (`reversals`): then it is, but its money stays;
- the customer of the first meter, who has the energy or can still type it, as a debt;
- the utility, as a loss on an account of its own.

No cash moves and no wallet: the money goes over an account that is empty again afterwards.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.audit import services as audit
from headend.config.errors import NotPermitted, Refusal
from headend.customers.queries import agreement_of
from headend.debts import services as debts
from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.design import figures
from headend.ledger import chart
from headend.ledger import services as ledger
from headend.meters.models import Meter
from headend.meters.queries import meter_numbered
from headend.vending import disclosure, reversals, services
from headend.vending.errors import ReallocationRefused, SaleReversed
from headend.vending.models import Reallocation, Sale
from headend.vendors.queries import vendor_of
from headend.vendors.seats import Seat

REALLOCATE = "vending.reallocate"
CALLER = "reallocation"  # names the messages of what a move sells and reverses
Bearer = Reallocation.Bearer
# Of each purchase, as far as the energy floor lets it.
_RECOVERY = Terms(method=Debt.Method.PERCENT, percent=Decimal(100))


@approvals.act(
    REALLOCATE,
    title="Move a sale to another meter",
    permission="vending.reallocate",
    approve_permission="vending.approve_reallocation",
)
def perform(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Reallocation:
    """Move the sale as was asked for, unless something forbids it by now."""
    if vendor_of(approved_by) is not None:
        raise NotPermitted("somebody of the utility has to approve that a sale is moved")
    sale = Sale.objects.get(receipt_number=arguments["sale"])
    meter = meter_numbered(arguments["meter"])
    return _move(
        sale, meter, Bearer(arguments["bearer"]), by, approved_by, at, arguments["reason"]
    )


def request(
    sale: Sale, *, to: Meter, bearer: Reallocation.Bearer, by: User, at: datetime, reason: str
) -> Approval:
    """Ask for the value of a sale to be moved to another meter.

    Args:
        sale: that for the wrong meter; one that `by` may see.
        to: the right meter; it serves somebody.
        bearer: who carries what the first sale gave away.
        by: who asks; needs vending.reallocate, and vending.vend for the new sale.
        at: now.
        reason: why, in their words.

    Raises:
        ReallocationRefused: not like that; the sentence says what would do.
        SaleReversed: the sale was taken back.
        TokenDisclosed, NotLatestSale: nobody can carry it, for it can't be reversed.
        NoSupplyAgreement: the right meter serves nobody.
    """
    services.require_own(sale, by)
    agreement = agreement_of(to, at=at)
    _check(sale, to, bearer)
    if waiting(sale).exists():
        raise ReallocationRefused(f"a move of sale {sale} waits for approval already")
    amount = figures.money(sale.tender_minor, currency=sale.currency)
    return approvals.request(
        REALLOCATE,
        {
            "sale": sale.receipt_number,
            "meter": to.drn,
            "bearer": bearer.value,
            "reason": reason,
        },
        by,
        at,
        reason,
        f"Move {amount} of sale {sale} from meter {sale.meter} ({sale.agreement.customer.name}) "
        f"to meter {to} ({agreement.customer.name}); carried by: {bearer.label}",
    )


def bearers_for(sale: Sale) -> list[Reallocation.Bearer]:
    """Return who can carry a move of a sale: nobody if it can be reversed, else somebody."""
    try:
        reversals.grounds_of(sale)
    except Refusal:
        return [Bearer.CUSTOMER, Bearer.UTILITY]
    return [Bearer.NOBODY]


def waiting(sale: Sale) -> QuerySet[Approval]:
    """Return the requests to move a sale that nobody has decided yet."""
    found = Approval.objects.filter(
        act=REALLOCATE, state=Approval.OPEN, arguments__sale=sale.receipt_number
    )
    return found.select_related("requested_by")


@reversals.withdrawn_by
def _end_waiting(sale: Sale, by: User, at: datetime) -> None:
    """End the requests to move a sale that is reversed: there is nothing to move any more."""
    for asked in waiting(sale):
        approvals.end(asked, by, at, reason=f"sale {sale} was reversed")


@transaction.atomic
def _move(
    sale: Sale,
    to: Meter,
    bearer: Reallocation.Bearer,
    by: User,
    approved_by: User,
    at: datetime,
    reason: str,
) -> Reallocation:
    meters = Meter.objects.select_for_update().filter(pk__in={sale.meter_id, to.pk})
    list(meters.order_by("pk"))
    _check(sale, to, bearer)
    debt = _give_up(sale, bearer, by, at, reason)
    new_sale = services.vend(
        caller=CALLER,
        message_id=sale.receipt_number,
        meter=to,
        tender_minor=sale.tender_minor,
        operator=by,
        at=at,
        seat=Seat(vendor=sale.vendor, account=chart.REALLOCATED),
    )
    made = Reallocation.objects.create(
        sale=sale,
        new_sale=new_sale,
        bearer=bearer,
        debt=debt,
        reason=reason[:200],
        requested_by=by,
        approved_by=approved_by,
        reallocated_at=at,
    )
    for target, told in ((sale, {"to": str(new_sale)}), (new_sale, {"from": str(sale)})):
        audit.record(
            actor=approved_by,
            action="vending.reallocate",
            target=target,
            at=at,
            after=told | {"bearer": bearer.value, "requested_by": by.username},
            reason=reason,
        )
    return made


def _give_up(
    sale: Sale, bearer: Reallocation.Bearer, by: User, at: datetime, reason: str
) -> Debt | None:
    """Take the value of the first sale from whoever carries it; the debt if that is how."""
    title = f"Sale {sale.receipt_number} moved"
    if bearer == Bearer.NOBODY:
        reversals.record(
            sale,
            reversals.grounds_of(sale),
            caller=CALLER,
            message_id=sale.receipt_number,
            by=by,
            at=at,
            reason=reason,
            seat=Seat(),
        )
        moved = ledger.Posting(chart.REALLOCATED, -sale.tender_minor, sale.currency)
        reversals.take_back(sale, at=at, paid=[moved])
        return None
    if bearer == Bearer.CUSTOMER:
        return debts.charge(
            owner=sale.agreement.customer,
            title=title,
            amount_minor=sale.tender_minor,
            terms=_RECOVERY,
            by=by,
            at=at,
            against=chart.REALLOCATED,
        )
    ledger.post(
        at=at,
        description=title,
        reference=f"reallocation:{sale.receipt_number}",
        postings=[
            ledger.Posting(chart.REALLOCATIONS_LOST, sale.tender_minor, sale.currency),
            ledger.Posting(chart.REALLOCATED, -sale.tender_minor, sale.currency),
        ],
    )
    return None


def _check(sale: Sale, to: Meter, bearer: Reallocation.Bearer) -> None:
    """Raise what forbids a move; whoever acts on it holds the meters' rows."""
    if to.pk == sale.meter_id:
        raise ReallocationRefused(f"sale {sale} is for meter {to} already")
    if disclosure.is_reversed(sale):
        raise SaleReversed(f"sale {sale} was reversed; there is nothing to move")
    if Reallocation.objects.filter(sale=sale).exists():
        raise ReallocationRefused(f"sale {sale} was moved already: {sale.reallocation}")
    if bearer == Bearer.NOBODY:
        reversals.grounds_of(sale)
        return
    tokens = [token for token in sale.tokens.all() if disclosure.is_paid_for(token)]
    if not tokens or disclosure.is_held(sale):
        raise ReallocationRefused(
            f"nobody has a token of sale {sale}, so nobody has to carry it: reverse it, or have "
            "it moved with nobody carrying it"
        )
