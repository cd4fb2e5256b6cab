"""Fields of API answers that take a row number and show its opaque id."""

from __future__ import annotations

from typing import Annotated

from headend.config.opaque import Shown

AgreementId = Annotated[str, Shown("customers.supplyagreement")]
ApprovalId = Annotated[str, Shown("accounts.approval")]
BankPaymentId = Annotated[str, Shown("ledger.bankpayment")]
CampaignId = Annotated[str, Shown("campaigns.campaign")]
CustomerId = Annotated[str, Shown("customers.customer")]
DebtId = Annotated[str, Shown("debts.debt")]
EventId = Annotated[str, Shown("fleet.event")]
ImportId = Annotated[str, Shown("exchange.job")]
KeyChangeId = Annotated[str, Shown("meters.keychange")]
LedgerLineId = Annotated[str, Shown("ledger.line")]
PremisesId = Annotated[str, Shown("customers.premises")]
RateId = Annotated[str, Shown("currencies.rate")]
ReadingId = Annotated[str, Shown("fleet.reading")]
ShiftId = Annotated[str, Shown("vendors.shift")]
TariffId = Annotated[str, Shown("tariffs.tariff")]
TariffVersionId = Annotated[str, Shown("tariffs.tariffversion")]
TokenId = Annotated[str, Shown("vending.issuedtoken")]
VendorId = Annotated[str, Shown("vendors.vendor")]
WebhookId = Annotated[str, Shown("webhooks.subscription")]
