"""What the API takes and gives. Money is in minor units, energy in watt-hours, both integers."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from ninja import Schema
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from headend.api.ids import AskedCustomer
from headend.config.ids import AgreementId, CustomerId, TariffId, TariffVersionId, TokenId

_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"


def text(longest: int, *, shortest: int = 1) -> StringConstraints:
    """Return what makes a text one without control characters, of a length in characters."""
    return StringConstraints(min_length=shortest, max_length=longest, pattern=_NO_CONTROLS)


def _written_out(value: Any) -> Any:
    """Refuse a bare number, which could be seconds or milliseconds of some epoch."""
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError("write an instant as 2026-11-21T12:00:00+02:00")
    return value


def _day_written_out(value: Any) -> Any:
    """Refuse a bare number, which would count seconds."""
    written = isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.A)
    if not written:
        raise ValueError("write a day as 2026-11-21")
    return value


MessageId = Annotated[str, text(64)]
MeterNumber = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{11}|[0-9]{13}|[0-9]{18})$", max_length=18)
]
TokenDigits = Annotated[str, StringConstraints(pattern=r"^[0-9]{20}$")]
Instant = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Day = Annotated[date, BeforeValidator(_day_written_out)]
Tender = Annotated[int, Field(ge=1, le=10**13)]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
TenderCurrency = Annotated[
    CurrencyCode | None,
    Field(
        description="ISO 4217 code of the money that is handed over; `tender_minor` is in its "
        "minor units. Null: the base currency. Another one is taken at the rate in force, by "
        "programs of the utility only; `/currencies` lists them."
    ),
]


class Body(BaseModel):
    """What is sent: nothing unknown, nothing guessed from another type, no object's attributes."""

    model_config = ConfigDict(strict=True, extra="forbid")


class MessageIn(Body):
    """What changes something; alone, only the name of the request."""

    message_id: MessageId


Item = TypeVar("Item")


class Page(Schema, Generic[Item]):
    """Some items, newest first; `next` is the cursor of the page after it, null on the last."""

    items: list[Item]
    next: str | None


# --- vend protocol -------------------------------------------------------------------------------


class TrialVendIn(Body):
    """What would be sold: for so much money, or so much energy; one of the two."""

    meter: MeterNumber
    tender_minor: Tender | None = None
    energy_wh: Annotated[int, Field(ge=1, le=10**10)] | None = None
    currency: TenderCurrency = None
    waive_floor: bool = False  # debts may take what is otherwise kept for energy

    @model_validator(mode="after")
    def _for_one_of_the_two(self) -> TrialVendIn:
        if (self.tender_minor is None) == (self.energy_wh is None):
            raise ValueError("say tender_minor or energy_wh, one of the two")
        return self


class VendIn(MessageIn):
    """What is sold, under the name that the caller gives it."""

    meter: MeterNumber
    tender_minor: Tender
    currency: TenderCurrency = None
    waive_floor: bool = False  # debts may take what is otherwise kept for energy
    send: bool = False
    terminal: Annotated[str, text(40, shortest=0)] = ""
    hold_token: bool = False  # give the token out later: until then the sale can be reversed


class DebtPaymentIn(MessageIn):
    """What is paid of a debt."""

    tender_minor: Tender
    currency: TenderCurrency = None
    terminal: Annotated[str, text(40, shortest=0)] = ""


class ReprintIn(MessageIn):
    """Why a copy is printed."""

    reason: Annotated[str, text(200, shortest=0)] = ""


class TokenVerifyIn(Body):
    """A token and the meter it is said to be for."""

    meter: MeterNumber
    token: TokenDigits


class LineOut(Schema):
    """One line of the receipt; the lines add up to the tender."""

    kind: str
    description: str
    amount_minor: int
    energy_wh: int | None


class RateOut(Schema):
    """An exchange rate: `units` of the currency are worth `base_units` of the base currency."""

    currency: str
    decimals: int  # of the currency's minor unit
    words: str  # "1 USD = 18.25 ZAR"
    units: str
    base_units: str
    valid_from: datetime


class CurrenciesOut(Schema):
    """In which currencies customers may pay now."""

    base: str
    decimals: int
    others: list[RateOut]


class PaidOut(Schema):
    """Money in another currency, of which the tender is the worth, rounded down."""

    currency: str
    paid_minor: int
    rate: RateOut


class QuoteOut(Schema):
    """What a vend would give; nothing was stored."""

    meter: str
    customer: str
    address: str
    tariff: str
    currency: str
    tender_minor: int
    paid: PaidOut | None  # null: the tender itself was paid
    sold_wh: int
    issued_wh: int
    encoded_wh: int
    lines: list[LineOut]


class TokenOut(Schema):
    """One token that was issued."""

    id: TokenId
    digits: str | None  # null: held back, or of a sale that was reversed
    meter: str
    receipt_number: str | None
    token_class: int
    subclass: int
    energy_wh: int | None
    token_identifier: int | None
    purpose: str
    issued_at: datetime
    delivery: str | None  # state of the latest command that takes it to the meter


class SaleOut(Schema):
    """One sale with its lines and tokens."""

    receipt_number: str
    message_id: str | None  # null for another caller's
    meter: str
    customer: str
    customer_id: CustomerId
    agreement_id: AgreementId
    address: str
    tariff: str
    currency: str
    tender_minor: int
    paid: PaidOut | None  # null: the tender itself was paid
    sold_wh: int
    issued_wh: int
    encoded_wh: int
    created_at: datetime
    reversed_at: datetime | None
    token_held: bool  # until it is asked for with `disclose`
    lines: list[LineOut]
    tokens: list[TokenOut]


class SaleSummaryOut(Schema):
    """One sale in a list; its tokens are read one sale at a time."""

    receipt_number: str
    meter: str
    customer_id: CustomerId
    agreement_id: AgreementId
    currency: str
    tender_minor: int
    paid: PaidOut | None  # null: the tender itself was paid
    issued_wh: int
    created_at: datetime
    reversed_at: datetime | None


class CopyOut(Schema):
    """A counted copy of a receipt, as text for an 80 mm printer."""

    receipt_number: str
    copy_number: int
    text: str


class TokenVerifyOut(Schema):
    """What is known of a token."""

    is_issued: bool
    is_for_this_meter: bool
    token: TokenOut | None


# --- registers -----------------------------------------------------------------------------------


class CustomerIn(MessageIn):
    """A customer to register."""

    name: Annotated[str, text(150)]
    phone: Annotated[str, text(30, shortest=0)] = ""
    email: Annotated[str, text(254, shortest=0)] = ""
    language: Annotated[str, text(10)] = "en"


class CustomerOut(Schema):
    """One customer."""

    id: CustomerId
    name: str
    phone: str
    email: str
    language: str
    created_at: datetime


class MeterIn(MessageIn):
    """A meter to register, in stock; the attributes are those of its decoder key."""

    number: Annotated[str, StringConstraints(pattern=r"^([0-9]{11}|[0-9]{13})$", max_length=13)]
    sgc: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    kt: Annotated[int, Field(ge=0, le=3)] = 2
    krn: Annotated[int, Field(ge=1, le=9)] = 1
    ti: Annotated[int, Field(ge=0, le=99)] = 1
    ken: Annotated[int, Field(ge=0, le=255)] = 255
    base_date: Annotated[int, Field(ge=1993, le=2035)] = 2014
    ea: Annotated[int, Field(ge=0, le=99)] = 7
    dkga: Annotated[int, Field(ge=0, le=99)] = 4


class MeterOut(Schema):
    """One meter of the register."""

    number: str
    pan: str
    status: str
    intended_payment_mode: str
    sgc: str
    kt: int
    krn: int
    ti: int
    ken: int
    base_date: int
    ea: int
    dkga: int
    registered_at: datetime


class AgreementIn(MessageIn):
    """Who is supplied where, through which meter, on which tariff, from now on."""

    customer_id: AskedCustomer
    address: Annotated[str, text(250)]
    meter: MeterNumber
    tariff: Annotated[str, text(40)]
    low_credit_threshold_wh: Annotated[int, Field(ge=0, le=2_000_000_000)] = 5000


class AgreementEndIn(MessageIn):
    """Why it ends."""

    reason: Annotated[str, text(500)]


class AgreementOut(Schema):
    """One supply agreement."""

    id: AgreementId
    customer_id: CustomerId
    address: str
    meter: str
    tariff: str
    low_credit_threshold_wh: int
    started_at: datetime
    ended_at: datetime | None


class TariffVersionOut(Schema):
    """What a tariff says from an instant on; `rules` are as an exported tariff file has them."""

    id: TariffVersionId
    valid_from: datetime
    currency: str
    rules: dict[str, Any]


class TariffOut(Schema):
    """One tariff."""

    id: TariffId
    code: str
    name: str


class TariffWithVersionsOut(TariffOut):
    """One tariff with all it ever said, the latest first."""

    versions: list[TariffVersionOut]
