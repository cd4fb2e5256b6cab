"""The kinds of events a program can be told of. A name never changes its meaning."""

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
    "sale.reversed": Kind("A sale was taken back.", _SALE, bodies.ReversedSale, of_vendors=True),
    "token.issued": Kind(
        "A token was made that is of no sale: an engineering or replacement token, for example.",
        _TOKEN,
        bodies.IssuedToken,
    ),
    "token.delivered": Kind(
        "A meter took the token that was sent to it.",
        _SALE,
        bodies.TokenDelivery,
        of_vendors=True,
    ),
    "token.rejected": Kind(
        "A meter refused the token that was sent to it.",
        _SALE,
        bodies.TokenDelivery,
        of_vendors=True,
    ),
    "command.done": Kind("A meter did what it was ordered.", _COMMAND, bodies.Command),
    "command.failed": Kind(
        "A meter refused an order, or did not answer in time.", _COMMAND, bodies.Command
    ),
    "meter.low_credit": Kind(
        "A meter's credit fell to its customer's threshold.", _EVENT, bodies.LowCredit
    ),
    "meter.credit_exhausted": Kind("A meter's credit is used up.", _EVENT, bodies.MeterEvent),
    "meter.switched_off": Kind("A meter's load switch opened.", _EVENT, bodies.MeterEvent),
    "meter.switched_on": Kind("A meter's load switch closed.", _EVENT, bodies.MeterEvent),
    "meter.mode_changed": Kind("A meter's payment mode changed.", _EVENT, bodies.MeterEvent),
    "meter.tamper": Kind(
        "A meter's cover was opened, or somebody forged or replayed an order to it.",
        _EVENT,
        bodies.MeterEvent,
    ),
    "meter.fault": Kind(
        "A meter's load switch or storage does not work.", _EVENT, bodies.MeterEvent
    ),
    "meter.registered": Kind("A meter was added to the register.", _METER, bodies.Meter),
    "meter.installed": Kind("A meter stands at a premises now.", _METER, bodies.Meter),
    "meter.key_differs": Kind(
        "A meter tells another key than the register has, so it refuses tokens.",
        _METER,
        bodies.DifferentKey,
    ),
    "customer.registered": Kind("A customer was registered.", _CUSTOMER, bodies.Customer),
    "agreement.opened": Kind("A meter serves a customer now.", _AGREEMENT, bodies.Agreement),
    "agreement.ended": Kind("A supply agreement ended.", _AGREEMENT, bodies.Agreement),
    "agreement.meter_replaced": Kind(
        "Another meter serves a customer now.", _AGREEMENT, bodies.ReplacedMeter
    ),
    "agreement.settled": Kind(
        "A closed account was settled.", "supply.view_closing", bodies.Closing
    ),
    "meter.mode_settled": Kind(
        "A change of payment mode was settled for billing.",
        "supply.view_modeswitch",
        bodies.ModeSwitch,
    ),
    "import.finished": Kind(
        "A sheet was imported or tried to the end, or stopped.", "exchange.view_job", bodies.Import
    ),
    "debt.opened": Kind("Somebody owes something.", _DEBT, bodies.Debt),
    "debt.paid_off": Kind("A sale paid the last of a debt.", _DEBT, bodies.Debt),
    "debt.adjusted": Kind("A debt was raised or lowered.", _DEBT, bodies.Debt),
    "debt.written_off": Kind("A debt, or a part of it, was given up.", _DEBT, bodies.Debt),
    "vendor.credit_bought": Kind(
        "A vendor bought credit.", _VENDOR, bodies.VendorCredit, of_vendors=True
    ),
    "vendor.wallet_low": Kind(
        "What a vendor may still sell for fell below its threshold.",
        _VENDOR,
        bodies.LowWallet,
        of_vendors=True,
    ),
    "vendor.suspended": Kind("A vendor may not sell.", _VENDOR, bodies.Vendor, of_vendors=True),
    "vendor.reinstated": Kind(
        "A suspended vendor may sell again.", _VENDOR, bodies.Vendor, of_vendors=True
    ),
    "approval.requested": Kind(
        "What the program asked for waits for a second person.", _APPROVAL, bodies.Approval
    ),
    "approval.decided": Kind(
        "A request of the program was approved, refused or withdrawn.", _APPROVAL, bodies.Approval
    ),
    "tariff.published": Kind("A version of a tariff was published.", _TARIFF, bodies.Tariff),
}

TEST = "webhook.test"  # sent when somebody asks for it, to whoever it is asked for
