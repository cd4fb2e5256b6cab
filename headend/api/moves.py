"""Moving in and replacing a meter."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from headend.api import shapes
from headend.api.ids import AskedAgreement, AskedCustomer, AskedToken
from headend.api.once import asked_once
from headend.api.registers import agreement_of_id, customer_of_id, tariff_coded
from headend.api.requests import Cursor, KeyRequest, Limit, needs, one_found, page
from headend.api.schemas import (
    AgreementOut,
    MessageIn,
    MeterNumber,
    Page,
    TokenOut,
    text,
)
from headend.api.supply import Credit, Energy, Number, RegistersIn
from headend.config.ids import AgreementId
from headend.meters.queries import meter_numbered
from headend.supply import moves, replacements, second_issues, transfers
from headend.supply.models import MoveIn, Replacement
from headend.vending.models import IssuedToken

router = Router(tags=["supply"])
_USUAL_LIMIT = 50


class FoundOut(Schema):
    """What somebody who moves in finds at a meter."""

    meter: str
    former_agreement_id: AgreementId | None  # the last one that ended there
    closing: str | None  # number of that account's closing
    closing_state: str | None
    price_minor: int | None  # for what the credit that is left can be bought; null: it can't
    premises_debts_minor: int  # rest on the premises, whoever lives there


class MoveInIn(MessageIn):
    """Who moves in, on what terms, and what the meter shows."""

    customer_id: AskedCustomer
    address: Annotated[str, text(250)]
    tariff: Annotated[str, text(40)]
    low_credit_threshold_wh: Annotated[int, Field(ge=0, le=2_000_000_000)] = 5000
    connection_va: Annotated[int, Field(ge=1, le=10**9)] | None = None
    accepts_debts: bool = False  # the customer was told of the debts of the premises
    buys_credit: bool = False  # and pays for what is left on the meter, in cash
    energy_wh: Energy
    credit_wh: Credit = 0
    registers_read_by: Literal["meter", "person"] = "person"


class MoveInOut(Schema):
    """How an agreement began."""

    agreement: AgreementOut
    energy_wh: int
    credit_wh: int
    bought_minor: int
    premises_debts_minor: int
    moved_in_at: datetime


class ReplaceIn(MessageIn):
    """Which meter takes the place, and what both show; without registers the credit is open."""

    new_meter: MeterNumber
    new_energy_wh: Energy = 0
    energy_wh: Energy | None = None
    credit_wh: Credit | None = None
    scrapped: bool = False
    reason: Annotated[str, text(200)]


class TransferIn(MessageIn):
    """How the credit comes to the new meter."""

    by: Literal["token", "command"]
    send: bool = False  # a token: also to the meter


class ReissueIn(MessageIn):
    """Which token of the old meter is issued anew."""

    token_id: AskedToken


class ReplacementOut(Schema):
    """A meter was replaced; the agreement went on."""

    number: str
    agreement_id: AgreementId
    old_meter: str
    new_meter: str
    replaced_at: datetime
    reason: str
    new_energy_wh: int
    energy_wh: int | None
    credit_wh: int | None  # of the old meter; null: not known yet
    transferred_at: datetime | None
    transfer_token: TokenOut | None
    transfer_state: str | None  # of the command that takes the credit over
    is_open: bool  # something is still to be read or transferred


@router.get("/meters/{number}/move-in", **needs("supply", FoundOut))
def look_before_moving_in(
    request: KeyRequest,
    number: Path[MeterNumber],
    address: Annotated[str, Query(description="of the premises"), text(250, shortest=0)] = "",
) -> dict[str, Any]:
    """Preview a move-in at a meter, without changing anything."""
    found = moves.found_at(meter_numbered(number), address=address)
    return {
        "meter": found.meter.drn,
        "former_agreement_id": found.former.pk if found.former else None,
        "closing": found.closing.number if found.closing else None,
        "closing_state": str(found.closing.state) if found.closing else None,
        "price_minor": found.price_minor,
        "premises_debts_minor": found.debts_minor,
    }


@router.post("/meters/{number}/move-in", **needs("supply", MoveInOut))
def move_in(request: KeyRequest, number: Path[MeterNumber], body: MoveInIn) -> dict[str, Any]:
    """Move a customer in at a meter; nothing is inherited. Once per message id."""
    now, meter = timezone.now(), meter_numbered(number)

    def act() -> dict[str, Any]:
        terms = moves.Terms(
            address=body.address,
            tariff=tariff_coded(body.tariff),
            low_credit_threshold_wh=body.low_credit_threshold_wh,
            connection_va=body.connection_va,
            accepts_debts=body.accepts_debts,
            buys_credit=body.buys_credit,
        )
        made = moves.move_in(
            customer_of_id(body.customer_id),
            meter,
            terms,
            energy_wh=body.energy_wh,
            credit_wh=body.credit_wh,
            source=body.registers_read_by,
            by=request.auth.program,
            at=now,
        )
        return _move_in(made)

    return asked_once(request.auth, f"move in {meter.drn}", body, at=now, act=act)


@router.post("/agreements/{agreement_id}/replace-meter", **needs("supply", ReplacementOut))
def replace_meter(
    request: KeyRequest, agreement_id: Path[AskedAgreement], body: ReplaceIn
) -> dict[str, Any]:
    """Replace the meter of a running agreement. Once per message id."""
    now = timezone.now()
    found = agreement_of_id(agreement_id)

    def act() -> dict[str, Any]:
        made = replacements.replace(
            found,
            meter_numbered(body.new_meter),
            old=replacements.OldMeter(body.energy_wh, body.credit_wh, body.scrapped),
            new_energy_wh=body.new_energy_wh,
            by=request.auth.program,
            at=now,
            reason=body.reason,
        )
        return _replacement(made)

    return asked_once(request.auth, f"replace {agreement_id}", body, at=now, act=act)


@router.get("/replacements", **needs("supply", Page[ReplacementOut]))
def list_replacements(
    request: KeyRequest, cursor: Cursor = None, limit: Limit = _USUAL_LIMIT
) -> dict[str, Any]:
    """List meter replacements, newest first."""
    return page(_replacements(), cursor=cursor, limit=limit, give=_replacement)


@router.get("/replacements/{number}", **needs("supply", ReplacementOut))
def read_replacement(request: KeyRequest, number: Number) -> dict[str, Any]:
    """Read one replacement, and whether the old meter's credit was transferred."""
    return _replacement(_one(number))


@router.post("/replacements/{number}/registers", **needs("supply", ReplacementOut))
def note_registers_of_replaced(
    request: KeyRequest, number: Number, body: RegistersIn
) -> dict[str, Any]:
    """Enter a replaced meter's registers if they could not be read when it was taken down."""
    now, found = timezone.now(), _one(number)

    def act() -> dict[str, Any]:
        replacements.note_registers(
            found,
            energy_wh=body.energy_wh,
            credit_wh=body.credit_wh,
            by=request.auth.program,
            at=now,
        )
        return _replacement(_one(number))

    return asked_once(request.auth, f"registers {number}", body, at=now, act=act)


@router.post("/replacements/{number}/transfer", **needs("supply", ReplacementOut))
def transfer_credit(request: KeyRequest, number: Number, body: TransferIn) -> dict[str, Any]:
    """Transfer the old meter's credit to the new one, by token or by command, once."""
    program, now, found = request.auth.program, timezone.now(), _one(number)

    def act() -> dict[str, Any]:
        if body.by == "token":
            transfers.transfer_by_token(found, by=program, at=now, send=body.send)
        else:
            transfers.transfer_by_command(found, by=program, at=now)
        return _replacement(_one(number))

    return asked_once(request.auth, f"transfer {number}", body, at=now, act=act)


@router.post("/replacements/{number}/reissue", **needs("supply", TokenOut))
def reissue_token(request: KeyRequest, number: Number, body: ReissueIn) -> dict[str, Any]:
    """Reissue a token of the old meter for the new one if it is proved unused."""
    now, found = timezone.now(), _one(number)
    token = one_found(
        IssuedToken.objects.filter(pk=body.token_id, meter=found.old_meter),
        otherwise=f"meter {found.old_meter} has no token of that id",
    )

    def act() -> dict[str, Any]:
        made = second_issues.reissue(found, token, by=request.auth.program, at=now)
        return shapes.token(made.new_token)

    return asked_once(request.auth, f"reissue {number}", body, at=now, act=act)


def _replacements() -> QuerySet[Replacement]:
    return Replacement.objects.select_related(
        "old_meter", "new_meter", "transfer_token__meter", "transfer_command"
    )


def _one(number: str) -> Replacement:
    return one_found(
        _replacements().filter(number=number), otherwise=f"there is no replacement {number}"
    )


def _move_in(made: MoveIn) -> dict[str, Any]:
    return {
        "agreement": shapes.agreement(made.agreement),
        "energy_wh": made.energy_wh,
        "credit_wh": made.credit_wh,
        "bought_minor": made.bought_minor,
        "premises_debts_minor": made.premises_debts_minor,
        "moved_in_at": made.moved_in_at,
    }


def _replacement(one: Replacement) -> dict[str, Any]:
    token, command = one.transfer_token, one.transfer_command
    return {
        "number": one.number,
        "agreement_id": one.agreement_id,
        "old_meter": one.old_meter.drn,
        "new_meter": one.new_meter.drn,
        "replaced_at": one.replaced_at,
        "reason": one.reason,
        "new_energy_wh": one.new_energy_wh,
        "energy_wh": one.energy_wh,
        "credit_wh": one.credit_wh,
        "transferred_at": one.transferred_at,
        "transfer_token": shapes.token(token) if token else None,
        "transfer_state": str(command.state) if command else None,
        "is_open": replacements.is_open(one),
    }
