"""Who reaches which page: every address of the head-end, tried as every group.

The table is `access.txt`. A page that is added has to be added there; the failing test shows the
row that it would get, which is for a person to judge.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest
from django.template.backends.django import Template
from django.test import Client, RequestFactory
from django.urls import ResolverMatch, URLPattern, URLResolver, get_resolver, resolve, reverse
from django_htmx.middleware import HtmxDetails

from headend.accounts import groups
from headend.accounts.models import User
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.testing import NOON
from headend.tests.access_world import make_world
from headend.vendors.models import Vendor
from headend.vendors.services import add_operator

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("access.txt")
COLUMNS = {
    "adm": groups.ADMINISTRATOR,
    "trf": groups.TARIFF_CLERK,
    "app": groups.APPROVER,
    "csh": groups.CASHIER,
    "vmg": groups.VENDOR_MANAGER,
    "vcs": groups.VENDOR_CASHIER,
    "eng": groups.ENGINEER,
    "aud": groups.AUDITOR,
    "ins": groups.INSTALLER,
    "int": groups.INTEGRATION,
    "non": None,  # in no group
}
SERVED, FORBIDDEN, NOT_FOUND, NO_SUCH_METHOD = "+", "-", "0", "x"
WROTE = "!"  # somebody who may only look changed something: never right
ONLY_LOOK = ("aud", "non")
ACTS = ~Q(action__startswith="accounts.")  # all but one's own password and second factor
OF_NOBODY = {"log-in", "log-out"}  # pages for whoever is not logged in
VENDORS_THINGS = {"operator_id", "receipt_number", "shift_id", "till_id", "vendor_id"}

# What stands for a thing in addresses whose patterns use one name for several things.
BY_PAGE: dict[str, dict[str, Any]] = {
    "engineering:order": {"slug": "clear-credit"},
    "exchange:export": {"name": "customers", "file_format": "csv"},
    "exchange:new": {"kind_name": "customers"},
    "exchange:template": {"kind_name": "customers", "file_format": "csv"},
    "fleet:order": {"slug": "disconnect"},
    "housekeeping:ask": {"name": "ledger"},
    "audit:life": {"object_type": "meters.meter"},
    "currencies:currency": {"code": "USD"},
    "currencies:propose": {"code": "USD"},
    "currencies:terms": {"code": "USD"},
    "ledger:account": {"code": "cash.tills", "currency": "ZAR"},
    "ledger:branch": {"name": "wallets"},
    "tariffs:act": {"verb": "discard"},
    "webhooks:act": {"verb": "pause"},
}


class World:
    """One thing of every kind, and one person of every group."""

    def __init__(self) -> None:
        self.things, others = make_world()
        self.of_another = self.things | others
        vendor = Vendor.objects.get(pk=self.things["vendor_id"])
        self.people: dict[str, User] = {}
        for column, group in COLUMNS.items():
            user = create_user(username=column, password=None, groups=(group,) if group else ())
            if group in (groups.VENDOR_MANAGER, groups.VENDOR_CASHIER):
                add_operator(vendor, user, by=console_user(), at=NOON)
            self.people[column] = user


@pytest.fixture
def world(at_noon: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(Template, "render", lambda *_: "")  # who may look, not what they see
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    return World()


def pages() -> Iterator[tuple[str, set[str]]]:
    """Every page's name, and what its address names."""

    def below(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, set[str]]]:
        for one in resolver.url_patterns:
            if isinstance(one, URLResolver):
                inner = f"{prefix}{one.namespace}:" if one.namespace else prefix
                yield from below(one, inner)
            else:
                assert isinstance(one, URLPattern)
                assert one.name, f"{one} has no name"
                pattern: Any = one.pattern
                yield f"{prefix}{one.name}", set(pattern.converters or pattern.regex.groupindex)

    return below(get_resolver(), "")


def address(page: str, named: set[str], things: dict[str, Any]) -> str:
    known = things | BY_PAGE.get(page, {})
    if "number" in named:
        known["number"] = known["replacement" if "replacement" in page else "closing"]
    known.setdefault("step", "settle" if page == "supply:step" else "note")
    return reverse(page, kwargs={name: known[name] for name in named})


def ask(method: str, path: str, user: User) -> str:
    """Ask for a page as somebody, with an empty form; nothing that it changes is kept."""
    request: Any = getattr(RequestFactory(), method.lower())(path)
    request.user = user
    request.session = _Session()
    request.htmx = HtmxDetails(request)
    request._messages = FallbackStorage(request)
    match = resolve(path)
    with transaction.atomic():
        status = _status(request, match)
        if user.username in ONLY_LOOK and AuditEntry.objects.filter(ACTS, actor=user).exists():
            return WROTE
        transaction.set_rollback(True)
    return {403: FORBIDDEN, 404: NOT_FOUND, 405: NO_SUCH_METHOD}.get(status, SERVED)


def _status(request: HttpRequest, match: ResolverMatch) -> int:
    try:
        return int(match.func(request, *match.args, **match.kwargs).status_code)
    except PermissionDenied:
        return 403
    except Http404:
        return 404


class _Session(SessionBase):
    """A session that lasts for one request."""

    def load(self) -> dict[str, Any]:
        return {}

    def create(self) -> None:
        pass

    def save(self, must_create: bool = False) -> None:
        pass

    def cycle_key(self) -> None:
        pass


def addresses(world: World) -> Iterator[tuple[str, str]]:
    """Every page as the table calls it, with an address of it."""
    for page, named in pages():
        if page in OF_NOBODY:
            continue
        yield page, address(page, named, world.things)
        if named & VENDORS_THINGS:
            yield f"{page} of another vendor", address(page, named, world.of_another)


def test_everybody_reaches_what_the_table_says_and_nothing_else(world):
    lines = TABLE.read_text().splitlines()
    expected = {line for line in lines if line and not line.startswith("#")}
    found = {" " * 52 + " ".join(COLUMNS)}
    for page, path in addresses(world):
        for method in ("GET", "POST"):
            cells = []
            for user in world.people.values():
                cells.append(ask(method, path, user))
                if cells == [NO_SUCH_METHOD]:
                    break
            else:
                found.add(f"{method:4} {page:47}" + "   ".join(cells))
    assert not expected ^ found, "\n".join(
        ["the table says:", *sorted(expected - found), "and the pages:", *sorted(found - expected)]
    )


def test_nobody_reaches_a_page_without_a_log_in(world):
    client = Client()
    for _, path in addresses(world):
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code == 302, path
            assert answer["Location"].startswith("/log-in/"), path
