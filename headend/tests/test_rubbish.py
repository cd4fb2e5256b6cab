"""Rubbish in every form and address that somebody reaches: refused in words, never an error.

The forms are those that the pages show; each is filled in by the first of the people below who
is shown it, with a number that is too large and with one kind of rubbish in turn. What is accepted
all the same is looked at where it leads to, and nothing is kept.
"""

from __future__ import annotations

import logging
from html.parser import HTMLParser
from itertools import cycle
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import Http404
from django.test import RequestFactory
from django.urls import resolve
from django_htmx.middleware import HtmxDetails

from headend.accounts.models import User
from headend.tests.test_access import World, _Session, addresses

pytestmark = pytest.mark.django_db

PEOPLE = ("csh", "vmg", "trf", "eng", "ins", "adm")  # each may do what those before may not
OF_ALL_PAGES = {"log-out"}
TOO_LARGE = "1" + "0" * 30  # what most often passes a form and breaks behind it
RUBBISH = (
    "",
    "x" * 10_000,
    "-1",
    "NaN",
    "\u202e🔌Ω ２",
    "zzzzzzzzzzzzz",  # as long as an address of a row
    "9999-12-31",
)
ASKED = ("page", "q", "before", "version", "customer", "like", "period", "amount", "copy", "only")


class Form(NamedTuple):
    """A form of a page: where it is sent to and what it asks for."""

    address: str
    fields: tuple[str, ...]
    files: tuple[str, ...]


class Forms(HTMLParser):
    """Collects the forms of a page that change something.

    Args:
        address: of the page.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._address = address
        self._open: tuple[str, set[str], set[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form, or a field of the one that is open."""
        facts = dict(attrs)
        if tag == "form" and facts.get("method") == "post":
            self._open = (facts.get("action") or self._address, set(), set())
        name = facts.get("name")
        if self._open is None or not name or name == "csrfmiddlewaretoken":
            return
        _, fields, files = self._open
        (files if facts.get("type") == "file" else fields).add(name)

    def handle_endtag(self, tag: str) -> None:
        """Keep the form that ends."""
        if tag != "form" or self._open is None:
            return
        address, fields, files = self._open
        self.forms.append(Form(address.split("#")[0], tuple(sorted(fields)), tuple(files)))
        self._open = None


class Answer(NamedTuple):
    """What somebody got."""

    status: int
    text: str
    leads_to: str


def send(method: str, address: str, user: User, typed: dict[str, Any]) -> Answer:
    """Ask for a page as somebody; a view that breaks raises here."""
    request: Any = getattr(RequestFactory(), method)(address, typed)
    request.user = User.objects.get(pk=user.pk)
    request.session = _Session()
    request.htmx = HtmxDetails(request)
    request._messages = FallbackStorage(request)
    match = resolve(urlsplit(address).path)
    try:
        response = match.func(request, *match.args, **match.kwargs)
    except PermissionDenied:
        return Answer(403, "", "")
    except Http404:
        return Answer(404, "", "")
    text = "" if response.streaming else response.content.decode(errors="replace")
    return Answer(response.status_code, text, response.headers.get("Location", ""))


def try_out(method: str, address: str, user: User, typed: dict[str, Any]) -> Answer:
    """Ask, look where it leads to, and keep nothing."""
    with transaction.atomic():
        answer = send(method, address, user, typed)
        if answer.leads_to.startswith("/"):
            send("get", answer.leads_to, user, {})
        transaction.set_rollback(True)
    return answer


def filled_in(form: Form, rubbish: str) -> dict[str, Any]:
    files = {name: SimpleUploadedFile("sheet.csv", rubbish.encode()) for name in form.files}
    return dict.fromkeys(form.fields, rubbish) | files


def test_no_page_breaks_on_rubbish(at_noon, monkeypatch):
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
    world, turn = World(), cycle(RUBBISH)
    tried: set[str | Form] = set()
    broken: list[str] = []

    def look(method: str, address: str, user: User, typed: dict[str, Any]) -> None:
        who = f"{user.username}: {method} {address} with {str(typed)[:200]}: "
        try:
            answer = try_out(method, address, user, typed)
        except Exception as error:
            broken.append(f"{who}{error!r}")
        else:
            if answer.status >= 500 or (user.username == "vmg" and "Other Shop" in answer.text):
                broken.append(f"{who}{answer.status}")

    for name in PEOPLE:
        user = world.people[name]
        for _, address in addresses(world):
            if address in tried:
                continue
            shown = send("get", address, user, {})
            if shown.status != 200:
                continue
            tried.add(address)
            look("get", address, user, dict.fromkeys(ASKED, next(turn)))
            parser = Forms(address)
            parser.feed(shown.text)
            for form in parser.forms:
                is_of_all = resolve(urlsplit(form.address).path).url_name in OF_ALL_PAGES
                if is_of_all or form in tried:
                    continue
                tried.add(form)
                for rubbish in (TOO_LARGE, next(turn)):
                    look("post", form.address, user, filled_in(form, rubbish))
    assert not broken, "\n".join(broken)
    assert len([one for one in tried if isinstance(one, Form)]) > 60
