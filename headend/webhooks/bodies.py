"""The `data` of each kind of event. Money is in minor units, energy in watt-hours.

There is no token, key, name or address in it: whoever may see those reads them through the API.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema

from headend.config import ids


class Sale(Schema):
    """A sale; its tokens are read at `/sales/{receipt_number}`."""

    receipt_number: str
    meter: str
    customer_id: ids.CustomerId
    agreement_id: ids.AgreementId
    vendor_id: ids.VendorId | None
    currency: str
    tender_minor: int
    paid_currency: str | None  # null: the tender itself was paid
    paid_minor: int | None
    issued_wh: int
    created_at: datetime


class ReversedSale(Sale):
    """A sale that was taken back, and why."""

    reason: str


class IssuedToken(Schema):
    """A token of no sale, without its digits."""

    token_id: ids.TokenId
    meter: str
    token_class: int
    subclass: int
    purpose: str


class TokenDelivery(Schema):
    """A token that was sent to its meter, without its digits."""

    meter: str
    command_id: str
    token_id: ids.TokenId | None
    receipt_number: str | None  # null: it is of no sale
    state: str
    answer: str  # of the meter, in words


class Command(Schema):
    """An order to a meter that has ended."""

    meter: str
    command_id: str
    command: str
    state: str
    answer: str


class MeterEvent(Schema):
    """Something a meter noticed."""

    meter: str
    code: int
    name: str
    occurred_at: datetime | None  # by the meter's clock; null if that was never set
    detail: dict[str, Any]


class LowCredit(Schema):
    """A meter's credit fell to its customer's threshold; said once per fall."""

    meter: str
    customer_id: ids.CustomerId
    agreement_id: ids.AgreementId
    credit_wh: int
    threshold_wh: int


class Debt(Schema):
    """A debt and what is owed of it after what happened."""

    debt_id: ids.DebtId
    title: str
    customer_id: ids.CustomerId | None
    premises_id: ids.PremisesId | None
    external_reference: str | None
    currency: str
    balance_minor: int


class VendorCredit(Schema):
    """Credit that a vendor bought."""

    vendor_id: ids.VendorId
    payment_reference: str
    paid_minor: int
    credit_minor: int
    currency: str


class LowWallet(Schema):
    """A vendor's wallet fell below its threshold; said once per fall."""

    vendor_id: ids.VendorId
    available_minor: int
    threshold_minor: int
    currency: str


class Vendor(Schema):
    """A vendor that may not sell any more, or may again."""

    vendor_id: ids.VendorId
    status: str


class Approval(Schema):
    """A request that waits for a second person, or was decided."""

    approval_id: ids.ApprovalId
    act: str
    summary: str
    state: str
    requested_by: str
    decided_by: str | None


class Customer(Schema):
    """A customer."""

    customer_id: ids.CustomerId


class Key(Schema):
    """What a meter tells of its key."""

    sgc: str | None  # "000000": the meter does not know it
    krn: int | None
    ti: int | None


class DifferentKey(Schema):
    """A meter tells another key than the register has; said once until they agree."""

    meter: str
    told: Key
    registered: Key


class Meter(Schema):
    """A meter of the register."""

    meter: str
    status: str


class Agreement(Schema):
    """A supply agreement."""

    agreement_id: ids.AgreementId
    customer_id: ids.CustomerId
    meter: str
    tariff: str
    ended_at: datetime | None


class ReplacedMeter(Schema):
    """A supply agreement that is served by another meter now."""

    agreement_id: ids.AgreementId
    customer_id: ids.CustomerId
    old_meter: str
    new_meter: str


class Closing(Schema):
    """An account that was closed and settled; one of the two amounts is 0."""

    number: str
    agreement_id: ids.AgreementId
    customer_id: ids.CustomerId
    currency: str
    refund_minor: int
    owed_minor: int


class ModeSwitch(Schema):
    """A meter that went over to another payment mode, as billing needs it."""

    number: str
    meter: str
    agreement_id: ids.AgreementId | None
    payment_mode: str
    energy_wh: int
    postpaid_wh: int
    credit_wh: int
    currency: str
    credited_minor: int


class Import(Schema):
    """A sheet that was imported, or tried; its rows are read on its page."""

    import_id: ids.ImportId
    kind: str
    file_name: str
    dry_run: bool
    state: str
    rows_done: int
    problem: str


class Tariff(Schema):
    """A version of a tariff that was published."""

    tariff: str
    version_id: ids.TariffVersionId
    valid_from: datetime


class Test(Schema):
    """Only shows that events arrive."""

    webhook_id: ids.WebhookId
