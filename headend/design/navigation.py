"""The main navigation: what each user may open, in the order of the day's work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse


class Link(NamedTuple):
    """One entry: the namespace of its addresses, its title and address, who may follow it."""

    section: str
    title: str
    view: str
    permission: str
    purpose: str
    is_on_top: bool = True  # otherwise only the start page leads there


LINKS = (
    Link("till", "Till", "till:find", "vending.vend", "Sell energy and hand out a token."),
    Link(
        "shifts",
        "Shift",
        "shifts:own",
        "vendors.work_shift",
        "Open your drawer, count its cash, close it.",
    ),
    Link(
        "vending",
        "Sales",
        "vending:sales",
        "vending.view_sale",
        "What was sold, by whom, and whether it arrived.",
    ),
    Link(
        "customers",
        "Customers",
        "customers:list",
        "customers.view_customer",
        "Who is supplied, where and through which meter.",
    ),
    Link(
        "fleet",
        "Meters",
        "fleet:meters",
        "meters.view_meter",
        "Balance, load switch and presence of every meter; commands.",
    ),
    Link(
        "supply",
        "Moves",
        "supply:list",
        "supply.view_closing",
        "Accounts closed, customers moving in, meters replaced.",
    ),
    Link(
        "tariffs",
        "Tariffs",
        "tariffs:list",
        "tariffs.view_tariffdraft",
        "What energy costs, from when; drafts and what they would do.",
    ),
    Link(
        "currencies",
        "Currencies",
        "currencies:list",
        "currencies.view_currency",
        "In what else customers may pay, and at which rates.",
        is_on_top=False,
    ),
    Link(
        "debts",
        "Debts",
        "debts:list",
        "debts.view_debt",
        "What is owed besides energy, and how it is recovered.",
    ),
    Link(
        "vendors",
        "Vendors",
        "vendors:list",
        "vendors.view_vendor",
        "Who sells for the utility: wallets, tills, shifts, statements.",
    ),
    Link(
        "exchange",
        "Sheets",
        "exchange:overview",
        "exchange.import_sheet",
        "Registers in and out as sheets; the take-over of an installed base.",
        is_on_top=False,
    ),
    Link(
        "ledger",
        "Ledger",
        "ledger:trial-balance",
        "ledger.view_entry",
        "Where all money is: trial balance and statements.",
    ),
    Link(
        "keys",
        "Keys",
        "keys:list",
        "securitymodule.view_vendingkey",
        "What the security module holds, and the ceremony that brings keys in.",
        is_on_top=False,
    ),
    Link(
        "campaigns",
        "Campaigns",
        "campaigns:list",
        "campaigns.view_campaign",
        "New keys for many meters, and how far each campaign is.",
        is_on_top=False,
    ),
    Link(
        "people",
        "People",
        "people:list",
        "accounts.manage_people",
        "Who may log in, and what each group may do.",
    ),
    Link(
        "approvals",
        "Approvals",
        "approvals:inbox",
        "accounts.view_approval",
        "What waits for a second person to agree.",
    ),
    Link(
        "audit",
        "Audit",
        "audit:search",
        "audit.search_audit",
        "Who did what, when and why; any object's whole life.",
    ),
    Link(
        "housekeeping",
        "Housekeeping",
        "housekeeping:chores",
        "housekeeping.view_chorerecord",
        "What is checked and tidied each night, and what came of it.",
        is_on_top=False,
    ),
)


Counter = Callable[[Any], int]

_counters: dict[str, Counter] = {}


def count(section: str) -> Callable[[Counter], Counter]:
    """Register a function that says how much waits for a user in a section; 0 shows nothing."""

    def register(counter: Counter) -> Counter:
        _counters[section] = counter
        return counter

    return register


def links_for(request: HttpRequest) -> list[dict[str, Any]]:
    """The links that the user of a request may follow."""
    return [
        {
            "section": link.section,
            "title": link.title,
            "url": reverse(link.view),
            "purpose": link.purpose,
            "is_on_top": link.is_on_top,
        }
        for link in LINKS
        if request.user.has_perm(link.permission)
    ]


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `navigation` and, from the view's name, the current `section`."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"navigation": []}
    if getattr(request, "owes_second_factor", False):
        return {"navigation": [], "owes_second_factor": True}  # all pages would lead back
    match = request.resolver_match
    top = [link for link in links_for(request) if link["is_on_top"]]
    for link in top:
        counter = _counters.get(link["section"])
        link["count"] = counter(user) if counter else 0
    return {"navigation": top, "section": getattr(match, "namespace", "")}
