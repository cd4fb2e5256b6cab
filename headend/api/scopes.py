"""The scopes a key may have, and the permissions that its program needs for each."""

from __future__ import annotations

from typing import NamedTuple

from headend.engineering.key_orders import PERMISSION as KEY_CHANGE
from headend.engineering.kinds import KINDS


class Scope(NamedTuple):
    """One thing a key may be good for."""

    purpose: str
    permissions: tuple[str, ...]


# A program that belongs to a vendor sells and sees for that vendor all the same.
FOR_UTILITY = "vendors.act_for_utility"
WITHOUT_SHIFT = "vendors.sell_without_shift"  # it has no drawer

SCOPES: dict[str, Scope] = {
    "vend": Scope(
        "Trial vend, vend, advice, reprint and sending tokens to meters.",
        (
            "vending.vend",
            "vending.reprint_receipt",
            "vending.view_sale",
            "fleet.send_token",
            FOR_UTILITY,
            WITHOUT_SHIFT,
        ),
    ),
    "reverse": Scope(
        "Take back own sales whose token can do nothing.",
        ("vending.reverse", "vending.view_sale", FOR_UTILITY, WITHOUT_SHIFT),
    ),
    "sales:read": Scope("Read sales.", ("vending.view_sale", FOR_UTILITY)),
    "tokens:read": Scope(
        "Read and verify issued tokens.", ("vending.view_issuedtoken", FOR_UTILITY)
    ),
    "customers:read": Scope("Read customers.", ("customers.view_customer",)),
    "customers:write": Scope("Register customers.", ("customers.add_customer",)),
    "meters:read": Scope("Read the meter register.", ("meters.view_meter",)),
    "meters:write": Scope(
        "Register and install meters.", ("meters.add_meter", "meters.change_meter")
    ),
    "agreements:read": Scope("Read supply agreements.", ("customers.view_supplyagreement",)),
    "agreements:write": Scope(
        "Open and end supply agreements.",
        ("customers.add_supplyagreement", "customers.change_supplyagreement"),
    ),
    "tariffs:read": Scope("Read tariffs.", ("tariffs.view_tariff",)),
    "debts:read": Scope("Read debts and their statements.", ("debts.view_debt",)),
    "debts:write": Scope("Open debts.", ("debts.add_debt",)),
    "debts:request": Scope(
        "Ask for debts to be adjusted or written off; a person decides.",
        ("debts.adjust", "debts.write_off"),
    ),
    "vendors:read": Scope(
        "Read vendors, their wallets, statements and shifts.",
        ("vendors.view_vendor", "vendors.view_shift", FOR_UTILITY),
    ),
    "vendors:credit": Scope(
        "Ask for credit that a vendor has paid for; a person decides.",
        ("vendors.buy_credit", FOR_UTILITY),
    ),
    "approvals": Scope(
        "Read what became of own requests, and take them back.", ("accounts.view_approval",)
    ),
    "engineering": Scope(
        "Order engineering tokens and key changes; where it is due a person decides.",
        (*sorted({kind.permission for kind in KINDS.values()}), KEY_CHANGE),
    ),
    "supply": Scope(
        "Close accounts and settle them, move customers in, replace meters; read what billing "
        "gets of a switched payment mode.",
        (
            "supply.close_account",
            "supply.move_in",
            "supply.replace_meter",
            "supply.view_closing",
            "supply.view_modeswitch",
            "supply.view_replacement",
            "customers.add_supplyagreement",
            "customers.change_supplyagreement",
            "meters.change_meter",
            "fleet.close_account",
            "fleet.send_token",
        ),
    ),
    "campaigns": Scope(
        "Plan and watch key campaigns; a person decides on their start.",
        ("campaigns.run_campaign", "campaigns.view_campaign"),
    ),
    "meters:order": Scope(
        "Switch, read and set meters, and change their payment mode.",
        ("fleet.command_meter", "fleet.switch_payment_mode", "fleet.view_command"),
    ),
    "bank": Scope(
        "Enter payments that the bank tells of, and say what they are for; a person decides.",
        ("ledger.add_bankpayment", "ledger.clear_payment", "ledger.view_bankpayment"),
    ),
    "free": Scope(
        "Give a month's free electricity without a purchase.",
        ("vending.grant_free_electricity", "vending.view_freeenrolment", FOR_UTILITY),
    ),
    "webhooks": Scope(
        "Be told of what the key may read; keep own webhooks.", ("webhooks.subscribe",)
    ),
    "meters:events": Scope(
        "Be told by webhooks what meters do and answer.",
        ("fleet.view_command", "fleet.view_event", FOR_UTILITY),
    ),
    "meters:readings": Scope(
        "Read what meters tell: how they stand, their readings and events.",
        ("fleet.view_event", "meters.view_meter"),
    ),
    "rates:request": Scope(
        "Ask for exchange rates, on which a person decides, and read them.",
        ("currencies.propose_rate", "currencies.view_currency"),
    ),
    "imports": Scope(
        "Hand in sheets of what the key may also write; take over an installed base.",
        (
            "exchange.import_sheet",
            "customers.change_customer",
            "vending.add_freeenrolment",
            "vending.add_openinguse",
            "vending.change_freeenrolment",
        ),
    ),
    "exports": Scope(
        "Have registers row by row that the key may also read.",
        ("exchange.export_sheet", FOR_UTILITY),
    ),
}

# What is the utility's own business: no program of a vendor may, whatever its key says.
UTILITYS = frozenset(
    {
        "agreements:write",
        "bank",
        "campaigns",
        "customers:write",
        "debts:read",
        "debts:request",
        "debts:write",
        "engineering",
        "imports",
        "meters:order",
        "meters:readings",
        "meters:write",
        "rates:request",
        "supply",
    }
)
