"""The kinds of events. A kind's name never changes its meaning."""

from __future__ import annotations

from typing import NamedTuple

from ninja import Schema

from headend.webhooks import bodies

_SALE, _COMMAND, _EVENT = "vending.view_sale", "fleet.view_command", "fleet.view_event"
_TOKEN = "vending.view_issuedtoken"  # noqa: S105 - the name of a permission
_DEBT, _VENDOR, _APPROVAL = "debts.view_debt", "vendors.view_vendor", "accounts.view_approval"
_CUSTOMER, _AGREEMENT = "customers.view_customer", "customers.view_supplyagreement"
_METER, _TARIFF = "meters.view_meter", "tariffs.view_tariff"


class Kind(NamedTuple):
    """One kind of event.

    Attributes:
        purpose: when it is sent, one sentence.
        permission: what a program needs to be told.
        body: what its `data` is.
        of_vendors: a vendor's program is told too, of what is that vendor's.
    """

    purpose: str
    permission: str
    body: type[Schema]
    of_vendors: bool = False


KINDS: dict[str, Kind] = {
    "sale.made": Kind("A sale was made.", _SALE, bodies.Sale, of_vendors=True),
    "sale.reversed": Kind("A sale was reversed.", _SALE, bodies.ReversedSale, of_vendors=True),
    "token.issued": Kind(
        "A token was issued outside a sale: an engineering or replacement token, for example.",
        _TOKEN,
        bodies.IssuedToken,
    ),
    "token.delivered": Kind(
        "A meter accepted a token that was sent to it.",
        _SALE,
        bodies.TokenDelivery,
        of_vendors=True,
    ),
    "token.rejected": Kind(
        "A meter rejected a token that was sent to it.",
        _SALE,
        bodies.TokenDelivery,
        of_vendors=True,
    ),
    "command.done": Kind("A meter carried out an order.", _COMMAND, bodies.Command),
    "command.failed": Kind(
        "A meter refused an order, or did not answer in time.", _COMMAND, bodies.Command
    ),
    "meter.low_credit": Kind(
        "A meter's credit fell to the customer's warning threshold.", _EVENT, bodies.LowCredit
    ),
    "meter.credit_exhausted": Kind("A meter's credit is used up.", _EVENT, bodies.MeterEvent),
    "meter.switched_off": Kind("A meter's load switch opened.", _EVENT, bodies.MeterEvent),
    "meter.switched_on": Kind("A meter's load switch closed.", _EVENT, bodies.MeterEvent),
    "meter.mode_changed": Kind("A meter's payment mode changed.", _EVENT, bodies.MeterEvent),
    "meter.tamper": Kind(
        "A meter's cover was opened, or somebody sent it a forged or replayed order.",
        _EVENT,
        bodies.MeterEvent,
    ),
    "meter.fault": Kind(
        "A meter's load switch or storage does not work.", _EVENT, bodies.MeterEvent
    ),
    "meter.registered": Kind("A meter was added to the register.", _METER, bodies.Meter),
    "meter.installed": Kind("A meter was installed at a premises.", _METER, bodies.Meter),
    "meter.key_differs": Kind(
        "A meter reports a different key than the register has, so it rejects tokens.",
        _METER,
        bodies.DifferentKey,
    ),
    "customer.registered": Kind("A customer was registered.", _CUSTOMER, bodies.Customer),
    "agreement.opened": Kind("A supply agreement began.", _AGREEMENT, bodies.Agreement),
    "agreement.ended": Kind("A supply agreement ended.", _AGREEMENT, bodies.Agreement),
    "agreement.meter_replaced": Kind(
        "An agreement's meter was replaced.", _AGREEMENT, bodies.ReplacedMeter
    ),
    "agreement.settled": Kind(
        "A closed account was settled.", "supply.view_closing", bodies.Closing
    ),
    "meter.mode_settled": Kind(
        "A switch of payment mode was settled for billing.",
        "supply.view_modeswitch",
        bodies.ModeSwitch,
    ),
    "import.finished": Kind(
        "An import or a trial finished or was stopped.", "exchange.view_job", bodies.Import
    ),
    "debt.opened": Kind("A debt was opened.", _DEBT, bodies.Debt),
    "debt.paid_off": Kind("A debt was paid off.", _DEBT, bodies.Debt),
    "debt.adjusted": Kind("A debt was raised or lowered.", _DEBT, bodies.Debt),
    "debt.written_off": Kind("A debt, or part of it, was written off.", _DEBT, bodies.Debt),
    "vendor.credit_bought": Kind(
        "A vendor bought credit.", _VENDOR, bodies.VendorCredit, of_vendors=True
    ),
    "vendor.wallet_low": Kind(
        "The amount a vendor may still sell for fell below its threshold.",
        _VENDOR,
        bodies.LowWallet,
        of_vendors=True,
    ),
    "vendor.suspended": Kind("A vendor was suspended.", _VENDOR, bodies.Vendor, of_vendors=True),
    "vendor.reinstated": Kind(
        "A suspended vendor was reinstated.", _VENDOR, bodies.Vendor, of_vendors=True
    ),
    "approval.requested": Kind(
        "A request of the program waits for a second person.", _APPROVAL, bodies.Approval
    ),
    "approval.decided": Kind(
        "A request of the program was approved, refused or withdrawn.", _APPROVAL, bodies.Approval
    ),
    "tariff.published": Kind("A version of a tariff was published.", _TARIFF, bodies.Tariff),
}

TEST = "webhook.test"  # sent when somebody asks for it, to whoever it is asked for
