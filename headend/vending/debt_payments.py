"""Paying a debt at the till without buying energy: a sale of one line that gives no token.

So it has everything a sale has: a message id, a receipt and its copies, a place in the shift and
in the ledger, a vendor's wallet that pays, and a reversal. It leaves the tariff's state as the
last purchase left it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.config.exact import Fraction
from headend.currencies import queries as currencies
from headend.customers.models import SupplyAgreement
from headend.debts import services as debts
from headend.debts.models import Debt
from headend.meters.models import Meter
from headend.tariffs.context import PurchaseContext
from headend.tariffs.lines import PriceLine
from headend.tariffs.pricing import Calculation
from headend.tariffs.queries import rules_of, version_in_force
from headend.vending import messages, selling
from headend.vending.collection import deduction, money
from headend.vending.errors import InvalidTender
from headend.vending.history import Circumstances, last_state
from headend.vending.models import Sale
from headend.vending.quotes import Quote
from headend.vendors import seats


@dataclass(frozen=True)
class _Untouched(Circumstances):
    """Circumstances that a payment leaves as they were: it is no purchase."""

    def state_after(self, done: Calculation) -> dict[str, Any]:
        """Return the state that the last purchase left."""
        return self.before


def pay(
    *,
    caller: str,
    message_id: str,
    debt: Debt,
    amount_minor: int,
    operator: User,
    at: datetime,
    currency: str = "",
    terminal: str = "",
) -> Sale:
    """Take a payment of a debt, once per message.

    Args:
        caller, message_id: as of a vend, among whose ids it is.
        debt: which; a customer who moved out pays as well.
        amount_minor: money taken, in minor units of `currency`, worth 1..what is owed.
        operator: who takes it; needs vending.vend.
        at: now.
        currency: as of a vend.
        terminal: where it is taken, as the receipt prints it.

    Returns:
        Sale: the new one, or the one this very request made before.

    Raises:
        InvalidTender: it is nothing, more than is owed, or nobody was ever supplied.
        MessageConflict, SaleReversed: as of a vend.
        Refusal: whoever takes it can't sell.
    """
    require(operator, "vending.vend")
    messages.require_names(caller, message_id)
    asked = f"debt|{debt.pk}|{amount_minor}"
    if currencies.is_other(currency):
        asked += f"|{currency}"
    digest = hashlib.sha256(asked.encode()).digest()
    agreement = _agreement_of(debt)
    try:
        with transaction.atomic():
            Meter.objects.select_for_update().get(pk=agreement.meter_id)
            earlier = messages.sale_of(caller, message_id)
            if earlier is not None:
                return messages.same_request(earlier, digest)
            request = selling.Request(
                caller, message_id, digest, operator, seats.seat_of(operator), at, terminal
            )
            paid = currencies.converted(amount_minor, currency, at=at)
            worth_minor = amount_minor if paid is None else paid.worth_minor
            offer = replace(_quote(debt, agreement, worth_minor, at), paid=paid)
            return selling.sell(offer, request).sale
    except IntegrityError:
        # The same id was used at the same moment for another meter or debt.
        earlier = messages.sale_of(caller, message_id)
        if earlier is None:
            raise
        return messages.same_request(earlier, digest)


def _quote(debt: Debt, agreement: SupplyAgreement, amount_minor: int, at: datetime) -> Quote:
    """Return what a payment is, as a sale; the debt stays locked until the transaction ends."""
    owed = debts.locked(debt.pk)
    if not 0 < amount_minor <= owed.balance_minor:
        raise InvalidTender(
            f"{money(owed.balance_minor)} of “{owed}” is owed, and this is worth "
            f"{money(amount_minor)}; take no more than is owed, and not nothing"
        )
    paid = deduction(owed.pk, owed.title, amount_minor, owed.balance_minor - amount_minor)
    line = PriceLine(
        kind=paid.kind,
        description=paid.description,
        amount_minor=paid.amount_minor,
        explanation=paid.explanation,
        reference=paid.reference,
    )
    version = version_in_force(agreement.tariff_id, at=at)
    context = PurchaseContext()
    return Quote(
        agreement=agreement,
        tariff_version=version,
        tender_minor=amount_minor,
        currency=settings.BASE_CURRENCY,
        calculation=Calculation(
            lines=(line,),
            exact_wh=Fraction(0),
            sold_wh=0,
            issued_wh=0,
            energy_money=Fraction(0),
            amounts={},
            fees={},
            carried_minor=0,
            lifeline=context.lifeline,
        ),
        circumstances=_Untouched(context, last_state(agreement), rules_of(version), at),
        units=0,
        encoded_wh=0,
    )


def _agreement_of(debt: Debt) -> SupplyAgreement:
    """Return the agreement under which a debt's owner is supplied, or was last."""
    found = SupplyAgreement.objects.filter(
        **({"customer": debt.customer_id} if debt.customer_id else {"premises": debt.premises_id})
    ).select_related("customer", "premises", "meter", "tariff")
    running = found.filter(ended_at=None)
    agreement = (running or found).order_by("-started_at", "-pk").first()
    if agreement is None:
        raise InvalidTender(
            f"{debt.owner} was never supplied here; a payment needs a supply agreement"
        )
    return agreement
