"""Paying a debt without buying energy."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from ninja import Path, Router

from headend.api import shapes
from headend.api.debts import debt_of_id
from headend.api.ids import AskedDebt
from headend.api.requests import KeyRequest, needs
from headend.api.schemas import DebtPaymentIn, SaleOut
from headend.api.vend import TERMINAL, caller_of, require_within_limits
from headend.vending import debt_payments

router = Router(tags=["vend"])


@router.post("/debts/{debt_id}/payments", **needs("vend", SaleOut))
def pay_debt(request: KeyRequest, debt_id: Path[AskedDebt], body: DebtPaymentIn) -> dict[str, Any]:
    """Take a payment for a debt, once per message id: a sale of one line, without a token.

    Its message ids are those of vends: `/vend/advice/{message_id}` says what became of one.
    """
    key, now = request.auth, timezone.now()
    debt = debt_of_id(debt_id)
    with transaction.atomic():
        require_within_limits(key, body, now)
        sale = debt_payments.pay(
            caller=caller_of(key),
            message_id=body.message_id,
            debt=debt,
            amount_minor=body.tender_minor,
            currency=body.currency or "",
            operator=key.program,
            at=now,
            terminal=body.terminal or TERMINAL,
        )
    return shapes.sale(sale, caller=caller_of(key))
