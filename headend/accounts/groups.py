"""The groups an installation starts with, and what each may do.

The table is only the beginning: a group that exists is left as its utility has set it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.models import Group, Permission
from django.db import connections
from django.db.models import Q

from headend.accounts.catalogue import DUTIES
from headend.accounts.models import GroupRule

ADMINISTRATOR = "utility administrator"
TARIFF_CLERK = "tariff clerk"
APPROVER = "approver"
CASHIER = "cashier"
VENDOR_MANAGER = "vendor manager"
VENDOR_CASHIER = "vendor cashier"
ENGINEER = "engineer"
AUDITOR = "auditor"
INSTALLER = "installer"
INTEGRATION = "integration"

_VIEW_SUPPLY = (
    "customers.view_customer",
    "customers.view_supplyagreement",
    "meters.view_meter",
    "tariffs.view_tariff",
    "tariffs.view_tariffversion",
)
_SELL = (
    *_VIEW_SUPPLY,
    "fleet.send_token",
    "fleet.view_command",
    "vending.grant_free_electricity",
    "vending.reprint_receipt",
    "vending.reverse",
    "vending.vend",
    "vending.view_sale",
)
_FOR_UTILITY = "vendors.act_for_utility"  # of nobody who belongs to a vendor
_WITHOUT_SHIFT = "vendors.sell_without_shift"  # to be taken from cashiers whose cash is counted
_SHIFTS = ("vendors.view_shift", "vendors.work_shift")
_VIEW_REQUESTS = "accounts.view_approval"

# "app.*" is every duty of an app in the catalogue, "*.view_*" every one to look.
GROUPS: dict[str, tuple[str, ...]] = {
    ADMINISTRATOR: (
        "accounts.*",
        "api.*",
        "audit.search_audit",
        "campaigns.*",
        "currencies.*",
        "customers.*",
        "debts.*",
        "engineering.*",
        "exchange.*",
        "fleet.*",
        "housekeeping.*",
        "ledger.add_bankpayment",
        "ledger.approve_clearing",
        "ledger.clear_payment",
        "ledger.view_*",
        "meters.*",
        "securitymodule.*",
        "supply.*",
        "tariffs.*",
        "vending.*",
        "vendors.*",
        "webhooks.*",
    ),
    TARIFF_CLERK: (
        *_VIEW_SUPPLY,
        "currencies.propose_rate",
        "currencies.view_*",
        "tariffs.view_*",
        "tariffs.publish_tariff",
        "vending.view_sale",
        _FOR_UTILITY,
        _VIEW_REQUESTS,
    ),
    APPROVER: ("*.approve_*", "*.view_*", _FOR_UTILITY),
    CASHIER: (*_SELL, *_SHIFTS, _FOR_UTILITY, _WITHOUT_SHIFT, "vending.reallocate"),
    VENDOR_MANAGER: (
        *_SELL,
        *_SHIFTS,
        "vendors.add_till",
        "vendors.buy_credit",
        "vendors.change_operator",
        "vendors.change_till",
        "vendors.close_any_shift",
        "vendors.view_*",
        "vending.reallocate",
        _VIEW_REQUESTS,
    ),
    VENDOR_CASHIER: (*_SELL, *_SHIFTS),
    ENGINEER: (
        *_VIEW_SUPPLY,
        "campaigns.run_campaign",
        "campaigns.view_*",
        "engineering.issue_*",
        "engineering.view_*",
        "supply.change_meter_credit",
        "supply.replace_meter",
        "supply.view_*",
        "fleet.*",
        "meters.*",
        "vending.view_sale",
        _FOR_UTILITY,
        _VIEW_REQUESTS,
    ),
    AUDITOR: ("audit.search_audit", "*.view_*", _FOR_UTILITY),
    INSTALLER: (
        *_VIEW_SUPPLY,
        _FOR_UTILITY,
        "fleet.view_*",
        "meters.add_meter",
        "meters.change_meter",
        "meters.provision_meter",
        "supply.replace_meter",
        "supply.view_replacement",
    ),
    INTEGRATION: (
        *_SELL,
        _FOR_UTILITY,
        _WITHOUT_SHIFT,
        "customers.*",
        "debts.add_debt",
        "exchange.export_sheet",
        "exchange.import_sheet",
        "meters.add_meter",
        "meters.change_meter",
    ),
}


# Their members can change money, keys or meters: a password alone is not enough.
NEED_SECOND_FACTOR = (ADMINISTRATOR, TARIFF_CLERK, APPROVER, VENDOR_MANAGER, ENGINEER)

_known_before: set[int] = set()


def note_permissions(sender: AppConfig, using: str, **_: Any) -> None:
    """Note, before a migration, which permissions there are (`pre_migrate`)."""
    if sender.name != _with_models()[0].name:
        return
    _known_before.clear()
    if Permission._meta.db_table in connections[using].introspection.table_names():
        _known_before.update(Permission.objects.using(using).values_list("pk", flat=True))


def create_groups(sender: AppConfig, **facts: Any) -> None:
    """Create the missing groups once every app has its permissions (`post_migrate`).

    A group that is there gets only permissions that came with this very migration, on which
    nobody can have decided yet.
    """
    if sender.name != _with_models()[-1].name:
        return  # the permissions of later apps are still missing
    if "grouprule" not in facts.get("apps", apps).all_models["accounts"]:
        return  # migrated back to before there were groups
    fresh = Permission.objects.exclude(pk__in=_known_before)
    for name, patterns in GROUPS.items():
        group, is_new = Group.objects.get_or_create(name=name)
        given = Permission.objects.all() if is_new else fresh
        group.permissions.add(*given.filter(matching(DUTIES)).filter(matching(patterns)))
        GroupRule.objects.get_or_create(
            group=group, defaults={"needs_second_factor": name in NEED_SECOND_FACTOR}
        )
    _known_before.update(Permission.objects.values_list("pk", flat=True))


def _with_models() -> list[AppConfig]:
    return [app for app in apps.get_app_configs() if app.models_module is not None]


def matching(patterns: Iterable[str]) -> Q:
    """Return the condition on permissions that any of the patterns asks for."""
    wanted = Q(pk__in=[])
    for pattern in patterns:
        app, codename = pattern.split(".")
        one = Q() if app == "*" else Q(content_type__app_label=app)
        if codename == "*":
            wanted |= one
        elif codename.endswith("*"):
            wanted |= one & Q(codename__startswith=codename[:-1])
        else:
            wanted |= one & Q(codename=codename)
    return wanted
