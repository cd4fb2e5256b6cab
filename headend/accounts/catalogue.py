"""Every act that a group may be allowed, in words, for all capabilities.

Django makes permissions to add, change, delete and view for every model; most of them nobody ever
asks for. Those that some page or service asks for are here, and a group can have no others.
"""

from __future__ import annotations

from typing import NamedTuple


class Duty(NamedTuple):
    """One thing that a group's members may do.

    Attributes:
        permission: as Django writes it, for example "vending.vend".
        words: the act, as a person would say it.
        is_privileged: it moves money, keys, meters or people: not for a password alone.
    """

    permission: str
    words: str
    is_privileged: bool = False


class Area(NamedTuple):
    """A part of the work and its duties, in the order in which they are learnt."""

    title: str
    duties: tuple[Duty, ...]


_PRIVILEGED = True

AREAS = (
    Area(
        "Selling",
        (
            Duty("vending.vend", "Sell electricity and take payments of debts"),
            Duty("vending.view_sale", "See sales"),
            Duty("vending.reprint_receipt", "Print a copy of a receipt"),
            Duty("vending.reverse", "Take a sale back while its token can do nothing"),
            Duty("vending.reallocate", "Move a sale to the right meter"),
            Duty("vending.approve_reallocation", "Approve that a sale is moved", _PRIVILEGED),
            Duty("vendors.act_for_utility", "Act for the utility and see every vendor's sales"),
            Duty("vendors.sell_without_shift", "Sell for the utility without a shift"),
        ),
    ),
    Area(
        "Shifts and cash",
        (
            Duty("vendors.work_shift", "Open, count and close the own shift"),
            Duty("vendors.view_shift", "See shifts of others"),
            Duty("vendors.close_any_shift", "Close a shift whose cash differs", _PRIVILEGED),
            Duty("vendors.fill_safe", "Fetch cash from the bank into the safe", _PRIVILEGED),
        ),
    ),
    Area(
        "Customers",
        (
            Duty("customers.view_customer", "See customers"),
            Duty("customers.add_customer", "Register a customer"),
            Duty("customers.change_customer", "Change a customer's particulars"),
            Duty("customers.view_supplyagreement", "See supply agreements"),
            Duty("customers.add_supplyagreement", "Open a supply agreement"),
            Duty(
                "customers.change_supplyagreement",
                "Change or end a supply agreement: tariff, connection, warning",
            ),
        ),
    ),
    Area(
        "Moves and closings",
        (
            Duty("supply.view_closing", "See closed accounts and who moved"),
            Duty("supply.move_in", "Let a customer move in", _PRIVILEGED),
            Duty("supply.close_account", "Close a customer's account and settle it", _PRIVILEGED),
            Duty("supply.pay_refund", "Pay a refund out", _PRIVILEGED),
            Duty("supply.approve_refund", "Approve a large refund", _PRIVILEGED),
            Duty("supply.view_replacement", "See replacements of meters"),
            Duty("supply.replace_meter", "Replace a meter and transfer its credit"),
            Duty(
                "supply.change_meter_credit", "Note that a meter's credit is cleared", _PRIVILEGED
            ),
            Duty("supply.view_modeswitch", "See switches of payment mode for billing"),
            Duty("supply.view_rule", "See the rule by which accounts are settled"),
            Duty("supply.add_rule", "Change the rule by which accounts are settled", _PRIVILEGED),
        ),
    ),
    Area(
        "Tariffs",
        (
            Duty("tariffs.view_tariff", "Read tariffs, as a program"),
            Duty("tariffs.view_tariffversion", "See tariffs"),
            Duty("tariffs.view_tariffdraft", "See drafts and try them on past sales"),
            Duty("tariffs.publish_tariff", "Write a tariff and ask for its approval", _PRIVILEGED),
            Duty("tariffs.approve_tariff", "Approve a tariff", _PRIVILEGED),
        ),
    ),
    Area(
        "Other currencies",
        (
            Duty("currencies.view_currency", "See which currencies are taken, and their rates"),
            Duty("currencies.change_currency", "Choose which currencies are taken", _PRIVILEGED),
            Duty("currencies.propose_rate", "Ask for an exchange rate", _PRIVILEGED),
            Duty("currencies.approve_rate", "Approve an exchange rate", _PRIVILEGED),
        ),
    ),
    Area(
        "Free electricity",
        (
            Duty("vending.grant_free_electricity", "Give a month's free electricity"),
            Duty("vending.view_freeenrolment", "See who is enrolled"),
            Duty("vending.add_freeenrolment", "Enrol a customer"),
            Duty("vending.change_freeenrolment", "End an enrolment"),
            Duty("vending.view_freeprogramme", "See programmes and amounts"),
            Duty(
                "vending.register_free_programme", "Set up a programme or an amount", _PRIVILEGED
            ),
            Duty(
                "vending.approve_free_programme", "Approve a programme or an amount", _PRIVILEGED
            ),
        ),
    ),
    Area(
        "Debts",
        (
            Duty("debts.view_debt", "See debts and their statements"),
            Duty("debts.add_debt", "Open a debt"),
            Duty("debts.change_debt", "Change how a debt is collected", _PRIVILEGED),
            Duty("debts.adjust", "Adjust a debt", _PRIVILEGED),
            Duty("debts.approve_adjustment", "Approve an adjustment", _PRIVILEGED),
            Duty("debts.write_off", "Write a debt off", _PRIVILEGED),
            Duty("debts.approve_write_off", "Approve a write-off", _PRIVILEGED),
            Duty("debts.view_energyfloor", "See how much of a purchase must buy energy"),
            Duty("debts.add_energyfloor", "Change how much must buy energy", _PRIVILEGED),
        ),
    ),
    Area(
        "Vendors",
        (
            Duty("vendors.view_vendor", "See vendors, wallets and statements"),
            Duty("vendors.add_vendor", "Register a vendor", _PRIVILEGED),
            Duty("vendors.add_contract", "Agree a contract with a vendor", _PRIVILEGED),
            Duty("vendors.buy_credit", "Enter credit that a vendor has paid for", _PRIVILEGED),
            Duty("vendors.approve_credit", "Approve a vendor's credit", _PRIVILEGED),
            Duty("vendors.suspend", "Suspend a vendor and let it sell again", _PRIVILEGED),
            Duty("vendors.add_till", "Add a till", _PRIVILEGED),
            Duty("vendors.change_till", "Switch a till on or off", _PRIVILEGED),
            Duty("vendors.add_operator", "Tie a person to a vendor", _PRIVILEGED),
            Duty("vendors.change_operator", "Switch a vendor's person on or off", _PRIVILEGED),
        ),
    ),
    Area(
        "Meters",
        (
            Duty("meters.view_meter", "See meters and how they stand"),
            Duty("meters.add_meter", "Register a meter"),
            Duty("meters.change_meter", "Install, remove or scrap a meter"),
            Duty("meters.provision_meter", "Provision a meter with its keys"),
            Duty("fleet.send_token", "Send a token to a meter"),
            Duty("fleet.view_command", "See what meters were ordered and answered"),
            Duty("fleet.view_event", "See what meters report, as a program"),
            Duty("fleet.view_workitem", "See what somebody has to look at"),
            Duty("fleet.command_meter", "Switch, configure and read meters", _PRIVILEGED),
            Duty("fleet.switch_payment_mode", "Switch a meter's payment mode", _PRIVILEGED),
            Duty("fleet.close_account", "Close a meter's account, credit and all", _PRIVILEGED),
            Duty("fleet.adjust_credit", "Adjust a meter's credit", _PRIVILEGED),
            Duty("fleet.approve_adjustment", "Approve an adjustment of credit", _PRIVILEGED),
        ),
    ),
    Area(
        "Tokens and keys",
        (
            Duty("vending.view_issuedtoken", "See and verify tokens"),
            Duty("engineering.view_engineeringtoken", "See engineering tokens"),
            Duty("engineering.issue_meter_test", "Token: test or display", _PRIVILEGED),
            Duty("engineering.issue_power_limit", "Token: maximum power", _PRIVILEGED),
            Duty("engineering.issue_clear_credit", "Token: clear credit", _PRIVILEGED),
            Duty("engineering.issue_tariff_rate", "Token: tariff rate", _PRIVILEGED),
            Duty("engineering.issue_clear_tamper", "Token: clear tamper", _PRIVILEGED),
            Duty("engineering.issue_unbalance_limit", "Token: phase unbalance", _PRIVILEGED),
            Duty("engineering.issue_water_factor", "Token: water meter factor", _PRIVILEGED),
            Duty("engineering.issue_extended_set", "Token: extended set", _PRIVILEGED),
            Duty(
                "engineering.issue_replacement",
                "Credit again under the key the meter has",
                _PRIVILEGED,
            ),
            Duty("engineering.approve_engineering_token", "Approve a token", _PRIVILEGED),
            Duty("engineering.issue_key_change", "Change a meter's key", _PRIVILEGED),
            Duty("engineering.approve_key_change", "Approve a change of key", _PRIVILEGED),
            Duty("campaigns.view_campaign", "See key campaigns"),
            Duty("campaigns.run_campaign", "Plan and run key campaigns", _PRIVILEGED),
            Duty("campaigns.approve_campaign", "Approve the start of a campaign", _PRIVILEGED),
            Duty("securitymodule.view_vendingkey", "See which vending keys there are"),
            Duty("securitymodule.load_keys", "Load keys, together with a witness", _PRIVILEGED),
            Duty("securitymodule.approve_load_keys", "Witness that keys are loaded", _PRIVILEGED),
        ),
    ),
    Area(
        "Money",
        (
            Duty("ledger.view_entry", "See the trial balance and accounts"),
            Duty("ledger.view_bankpayment", "See payments at the bank"),
            Duty("ledger.add_bankpayment", "Enter payments at the bank", _PRIVILEGED),
            Duty("ledger.clear_payment", "Say where a payment in suspense goes", _PRIVILEGED),
            Duty("ledger.approve_clearing", "Approve where a payment goes", _PRIVILEGED),
        ),
    ),
    Area(
        "Sheets",
        (
            Duty("exchange.import_sheet", "Import sheets of what may also be entered by hand"),
            Duty("exchange.export_sheet", "Export sheets of what may also be seen"),
            Duty("exchange.view_job", "See imports of others"),
            Duty("vending.add_openinguse", "Take over what a month's steps have used"),
        ),
    ),
    Area(
        "People and audit",
        (
            Duty("accounts.view_approval", "See requests that wait for a second person"),
            Duty("accounts.manage_people", "Manage people and groups", _PRIVILEGED),
            Duty("accounts.approve_people", "Approve who decides and manages people", _PRIVILEGED),
            Duty("audit.search_audit", "Search the audit record"),
            Duty("housekeeping.view_chorerecord", "See the nightly chores"),
            Duty("housekeeping.run_chore", "Have a chore done at once", _PRIVILEGED),
        ),
    ),
    Area(
        "Programs",
        (
            Duty("api.manage_keys", "Create and revoke API keys", _PRIVILEGED),
            Duty("webhooks.view_subscription", "See webhooks"),
            Duty("webhooks.manage_webhooks", "Create, change and end webhooks", _PRIVILEGED),
            Duty("webhooks.subscribe", "Subscribe itself to events, as a program"),
        ),
    ),
)

DUTIES = {duty.permission: duty for area in AREAS for duty in area.duties}


def words(permission: str) -> str:
    """Return what a permission allows, in words; its name if nobody can be allowed it."""
    duty = DUTIES.get(permission)
    return duty.words if duty else permission
