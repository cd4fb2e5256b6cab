"""A passkey in a real browser: made, asked for at the next log-in, and the only way in."""

from __future__ import annotations

import pytest

from headend.accounts.services import create_user

pytestmark = pytest.mark.any_database

sync_api = pytest.importorskip("playwright.sync_api")

PASSWORD = "correct horse battery"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def log_in(page):
    page.goto("/log-in/")
    page.get_by_label("User name").fill("thandi")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.django_db(transaction=True)
def test_a_passkey_lets_its_owner_in(live_server, chromium):
    create_user(username="thandi", password=PASSWORD, groups=("cashier",))
    complaints: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(base_url=live_server.url)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

        log_in(page)
        page.wait_for_url(f"{live_server.url}/")
        page.goto("/second-factor/passkey/?next=/account/")
        page.get_by_role("button", name="Make a passkey").click()
        page.get_by_role("link", name="They are written down").click()
        sync_api.expect(page.get_by_text("10 recovery codes left")).to_be_visible()

        page.get_by_role("button", name="Log out").click()
        log_in(page)
        sync_api.expect(page.get_by_role("heading", name="One more thing")).to_be_visible()
        page.goto("/till/")
        sync_api.expect(page.get_by_role("heading", name="One more thing")).to_be_visible()
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url(f"{live_server.url}/till/")
        browser.close()
    assert complaints == []
