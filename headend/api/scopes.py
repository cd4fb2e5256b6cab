"""What a key may be good for, and the permissions that its program needs for it."""

from __future__ import annotations

from typing import NamedTuple


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
}
