"""The till in a real browser, against the real web server with a database of its own.

A gateway is played by the test: it moves the command's state, and the open page must follow.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from headend.testing_processes import run
from tools.broker.ports import free_port
from tools.interpreters import REPOSITORY

pytestmark = pytest.mark.any_database

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

START_SECONDS = 30
GROUPS_OF_FOUR = re.compile(r"[0-9]{4}( [0-9]{4}){4}")


class Site(NamedTuple):
    """A running head-end."""

    address: str
    environ: dict[str, str]
    people: dict[str, str]  # user name -> password
    drn: str

    def shell(self, code: str) -> str:
        """Run a few lines inside the head-end, as another process; return what they print."""
        return manage(self.environ, "shell", "--verbosity", "0", "--command", code)


def manage(environ: dict[str, str], *arguments: str) -> str:
    """Run a management command; return its output."""
    return run(environ, "-m", "headend.manage", *arguments)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A seeded head-end behind its production web server."""
    data = tmp_path_factory.mktemp("till")
    environ = {
        name: text for name, text in os.environ.items() if not name.startswith("OPENPREPAY_")
    } | {"OPENPREPAY_DATA": str(data), "OPENPREPAY_DEMONSTRATION": "1"}
    environ["DATABASE_URL"] = f"sqlite:///{data}/headend.sqlite3"
    manage(environ, "migrate", "--verbosity", "0", "--skip-checks")
    manage(environ, "seed_demonstration", "--without-vendor")
    passwords = json.loads((data / "demonstration.json").read_text())["passwords"]
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--blocking-threads", "4", "--no-ws"),
            "headend.config.wsgi:application",
        ],
        cwd=REPOSITORY,
        env=environ,
        stdout=(data / "web.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(f"{address}/log-in/", server, data / "web.log")
        found = "from headend.meters.models import Meter; print(Meter.objects.first().drn)"
        drn = manage(environ, "shell", "--verbosity", "0", "--command", found).strip()
        yield Site(address, environ, passwords, drn)
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return as soon as the server answers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            with urlopen(address, timeout=5):
                return
        except URLError:
            time.sleep(0.05)
    raise AssertionError(f"no answer in {START_SECONDS} s: {log.read_text()}")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """A headless Chromium."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


class Visit:
    """A page with somebody logged in, which notes everything it complains about."""

    def __init__(self, browser: Any, site: Site, username: str, **how: Any) -> None:
        self.context = browser.new_context(base_url=site.address, **how)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.goto("/log-in/")
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(site.people[username])
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/")

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def visit(browser: Any, site: Site) -> Iterator[Any]:
    """Open a page for a user: `visit("cashier")`; afterwards nothing may have complained."""
    visits: list[Visit] = []

    def visit(username: str, **how: Any) -> Any:
        visits.append(Visit(browser, site, username, **how))
        return visits[-1].page

    yield visit
    for one in visits:
        one.context.close()
        assert one.complaints == []
        assert one.hosts == {site.address.split("/")[2]}


def sales_in(site: Site) -> list[str]:
    """The receipt numbers of all sales, oldest first."""
    code = (
        "from headend.vending.models import Sale; "
        "print(*Sale.objects.order_by('pk').values_list('receipt_number', flat=True))"
    )
    return site.shell(code).split()


def move(site: Site, state: str, **fields: Any) -> None:
    """Play the gateway: move the newest command to a state."""
    site.shell(
        "from headend.fleet.models import Command; c = Command.objects.last(); "
        f"c.state = {state!r}; c.number = c.pk; "
        f"[setattr(c, name, one) for name, one in {fields!r}.items()]; c.save()"
    )


def test_a_cashier_sells_and_sends_and_the_page_follows_the_meter(visit, site):
    before = sales_in(site)
    page = visit("cashier")
    page.get_by_role("link", name="Till").first.click()
    page.get_by_label("Customer or meter").press_sequentially("555 0101")
    page.locator("#found").get_by_role("link", name="Thandi Mokoena").click()
    page.get_by_label("Money received").press_sequentially("50")
    expect(page.locator("#trial .figure-line")).to_have_text("17.3 kWh")
    page.get_by_role("button", name="Go on to confirm").click()
    expect(page.get_by_text(f"made for meter {site.drn} and for no other")).to_be_visible()

    page.get_by_role("button", name="Vend").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sold: 17.3 kWh")
    assert len(sales_in(site)) == len(before) + 1

    token = page.locator(".token code").inner_text().replace("\n", " ")
    assert GROUPS_OF_FOUR.fullmatch(" ".join(token.split()))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy token").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == " ".join(token.split())
    expect(page.get_by_role("button", name="Print 58 mm")).to_be_visible()

    delivery = page.locator("#delivery")
    delivery.get_by_role("button", name="Send to meter").click()
    expect(delivery).to_contain_text("pending")
    move(site, "published")
    expect(delivery).to_contain_text("Sent, not yet confirmed by the meter")
    move(site, "accepted", status=1)
    expect(delivery).to_contain_text("Accepted by the meter")


def test_the_till_works_without_scripts(visit, site):
    before = sales_in(site)
    page = visit("cashier", java_script_enabled=False)
    page.goto("/till/")
    page.get_by_label("Customer or meter").fill(site.drn)
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Money received").fill("20,50")
    page.get_by_role("button", name="Go on to confirm").click()
    page.get_by_role("button", name="Vend").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sold: 7.1 kWh")
    page.get_by_role("button", name="Send to meter").click()
    expect(page.locator("#delivery")).to_contain_text("pending")
    (number,) = sales_in(site)[len(before) :]
    page.goto("/sales/")
    expect(page.get_by_role("row").nth(1)).to_contain_text(number)


def test_going_back_after_selling_sells_nothing_more(visit, site):
    before = sales_in(site)
    page = visit("cashier")
    page.goto(f"/till/{site.drn}/")
    page.get_by_label("Money received").fill("30")
    page.get_by_role("button", name="Go on to confirm").click()
    form = page.locator("main form").evaluate(
        "form => Object.fromEntries(new FormData(form).entries())"
    )
    page.get_by_role("button", name="Vend").click()
    page.wait_for_url("**/sales/**")
    receipt = page.url.partition("?")[0]
    page.go_back()
    page.wait_for_url(receipt)
    expect(page.locator("main")).to_contain_text("This was sold already")
    again = page.request.post(f"{site.address}/till/{site.drn}/confirm/", form=form)
    assert again.url.partition("?")[0] == receipt
    assert len(sales_in(site)) == len(before) + 1


def test_no_page_is_wider_than_its_screen(visit, site):
    page = visit("admin")
    page.goto("/customers/")
    customer = page.locator("td a[href^='/customers/']").first.get_attribute("href")
    for address in (
        "/",
        "/till/?q=e",
        f"/till/{site.drn}/confirm/?amount=1234567.89",
        "/sales/",
        "/customers/",
        customer,
        "/meters/",
        f"/meters/{site.drn}/",
        f"/meters/{site.drn}/orders/disconnect/",
    ):
        page.goto(address)
        for width in (320, 768, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            too_wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert too_wide <= 0, f"{address} at {width} px"
