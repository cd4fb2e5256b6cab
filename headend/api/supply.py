"""Closing accounts, payment-mode switches for billing, and free electricity."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import Field

from headend.api import shapes
from headend.api.ids import AskedAgreement
from headend.api.once import asked_once
from headend.api.registers import OfMeter, Since, Until, agreement_of_id
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import MessageIn, MeterNumber, Page, TokenOut, text
from headend.api.vend import caller_of
from headend.config.ids import AgreementId
from headend.meters.queries import meter_numbered
from headend.supply import closings, handover, modes
from headend.supply.models import Closing, ModeSwitch
from headend.vending import free_electricity

router = Router(tags=["supply"])
_USUAL_LIMIT = 50

Number = Path[Annotated[str, text(20)]]  # of a closing or a replacement
Energy = Annotated[int, Field(ge=0, le=handover.MOST_WH)]
Credit = Annotated[int, Field(ge=-handover.MOST_WH, le=handover.MOST_WH)]


class ClosingIn(MessageIn):
    """Why an account is closed, and whether the meter itself is asked for its registers."""

    reason: Annotated[str, text(200)]
    ask_meter: bool = True


class RegistersIn(MessageIn):
    """Registers that a person read at a meter, or found out later."""

    energy_wh: Energy
    credit_wh: Credit


class SettlementLineOut(Schema):
    """One line of the closing statement."""

    description: str
    explanation: str
    amount_minor: int
    energy_wh: int | None


class ClosingOut(Schema):
    """An account that is being closed, or was; the amounts are null until it is settled."""

    number: str
    agreement_id: AgreementId
    meter: str
    state: str  # open, registers known, settled or refunded
    reason: str
    started_at: datetime
    energy_wh: int | None
    credit_wh: int | None
    settled_at: datetime | None
    currency: str | None
    refund_minor: int | None  # to the customer
    owed_minor: int | None  # by the customer
    lines: list[SettlementLineOut]


class ModeSwitchOut(Schema):
    """A meter went over to another payment mode: what billing needs to know."""

    number: str
    meter: str
    agreement_id: AgreementId | None
    payment_mode: str
    switched_at: datetime
    energy_wh: int
    postpaid_wh: int
    credit_wh: int
    credit_treatment: str
    currency: str
    credited_minor: int


class FreeGrantOut(Schema):
    """A month's free electricity, with its token."""

    meter: str
    month: date
    energy_wh: int
    token: TokenOut


@router.post("/agreements/{agreement_id}/close", **needs("supply", ClosingOut))
def close_account(
    request: KeyRequest, agreement_id: Path[AskedAgreement], body: ClosingIn
) -> dict[str, Any]:
    """Start closing an account: the agreement ends now. Once per message id."""
    now, found = timezone.now(), agreement_of_id(agreement_id)

    def act() -> dict[str, Any]:
        made = closings.start(
            found,
            by=request.auth.program,
            at=now,
            reason=body.reason,
            ask_meter=body.ask_meter,
        )
        return _closing(_one(made.number))

    return asked_once(request.auth, f"close {agreement_id}", body, at=now, act=act)


@router.get("/closings", **needs("supply", Page[ClosingOut]))
def list_closings(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List accounts that are being or have been closed, newest first."""
    return page(_closings(), cursor=cursor, limit=limit, give=_closing)


@router.get("/closings/{number}", **needs("supply", ClosingOut))
def read_closing(request: KeyRequest, number: Number) -> dict[str, Any]:
    """Read one closing with its statement."""
    return _closing(_one(number))


@router.post("/closings/{number}/registers", **needs("supply", ClosingOut))
def note_registers(request: KeyRequest, number: Number, body: RegistersIn) -> dict[str, Any]:
    """Enter closing registers that a person read at the meter."""
    now, found = timezone.now(), _one(number)

    def act() -> dict[str, Any]:
        closings.note_registers(
            found,
            energy_wh=body.energy_wh,
            credit_wh=body.credit_wh,
            by=request.auth.program,
            at=now,
        )
        return _closing(_one(number))

    return asked_once(request.auth, f"registers {number}", body, at=now, act=act)


@router.post("/closings/{number}/settle", **needs("supply", ClosingOut))
def settle(request: KeyRequest, number: Number, body: MessageIn) -> dict[str, Any]:
    """Settle an account whose registers are known; this is final. People pay out the refund."""
    now, found = timezone.now(), _one(number)

    def act() -> dict[str, Any]:
        closings.settle(found, by=request.auth.program, at=now)
        return _closing(_one(number))

    return asked_once(request.auth, f"settle {number}", body, at=now, act=act)


@router.get("/mode-switches", **needs("supply", Page[ModeSwitchOut]))
def list_mode_switches(
    request: KeyRequest,
    meter: OfMeter = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = _USUAL_LIMIT,
) -> dict[str, Any]:
    """List switches between prepayment and post-payment for billing, newest first."""
    found = modes.switches(since=since, until=until)
    if meter is not None:
        found = found.filter(meter=meter_numbered(meter))
    return page(found, cursor=cursor, limit=limit, give=_switch)


@router.post("/meters/{number}/free-electricity", **needs("free", FreeGrantOut))
def grant_free_electricity(
    request: KeyRequest, number: Path[MeterNumber], body: MessageIn
) -> dict[str, Any]:
    """Give the month's free electricity without a purchase; repeated, it is the same grant."""
    now = timezone.now()
    meter = meter_numbered(number)

    def act() -> dict[str, Any]:
        made = free_electricity.grant(
            meter=meter, by=request.auth.program, at=now, source=caller_of(request.auth)
        )
        return {
            "meter": meter.drn,
            "month": made.month,
            "energy_wh": made.energy_wh,
            "token": shapes.token(made.token),
        }

    return asked_once(request.auth, f"free {meter.drn}", body, at=now, act=act)


def _closings() -> QuerySet[Closing]:
    return Closing.objects.select_related("agreement__meter", "settlement")


def _one(number: str) -> Closing:
    return one_found(_closings().filter(number=number), otherwise=f"there is no closing {number}")


def _closing(one: Closing) -> dict[str, Any]:
    settlement = getattr(one, "settlement", None)
    lines = settlement.lines.order_by("position") if settlement else ()
    return {
        "number": one.number,
        "agreement_id": one.agreement_id,
        "meter": one.agreement.meter.drn,
        "state": str(one.state),
        "reason": one.reason,
        "started_at": one.started_at,
        "energy_wh": one.energy_wh,
        "credit_wh": one.credit_wh,
        "settled_at": settlement.settled_at if settlement else None,
        "currency": settlement.currency if settlement else None,
        "refund_minor": settlement.refund_minor if settlement else None,
        "owed_minor": settlement.owed_minor if settlement else None,
        "lines": [
            {
                "description": line.description,
                "explanation": line.explanation,
                "amount_minor": line.amount_minor,
                "energy_wh": line.energy_wh,
            }
            for line in lines
        ],
    }


def _switch(one: ModeSwitch) -> dict[str, Any]:
    return {
        "number": one.number,
        "meter": one.meter.drn,
        "agreement_id": one.agreement_id,
        "payment_mode": str(one.payment_mode),
        "switched_at": one.switched_at,
        "energy_wh": one.energy_wh,
        "postpaid_wh": one.postpaid_wh,
        "credit_wh": one.credit_wh,
        "credit_treatment": one.credit_treatment,
        "currency": one.currency,
        "credited_minor": one.credited_minor,
    }
