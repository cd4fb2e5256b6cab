"""The key ceremony in a real browser, with the second person's passkey."""

from __future__ import annotations

import pytest

from headend.accounts.services import create_user
from headend.accounts.tests.test_browser import AUTHENTICATOR
from headend.securitymodule import load_file
from headend.securitymodule.models import VendingKey
from headend.securitymodule.tests.test_load_file import HALVES, KEY

pytestmark = pytest.mark.any_database

sync_api = pytest.importorskip("playwright.sync_api")

PASSWORD = "correct horse battery"


def log_in(page, username):
    page.goto("/log-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.django_db(transaction=True)
def test_two_people_load_keys_and_the_second_shows_a_passkey(live_server, chromium, settings):
    settings.SECOND_FACTOR = "offered"
    create_user(username="first", password=PASSWORD, groups=("utility administrator",))
    create_user(username="second", password=PASSWORD, groups=("approver",))
    text = load_file.write([KEY], halves=HALVES)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(base_url=live_server.url)
        page = context.new_page()
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
        log_in(page, "second")
        page.goto("/second-factor/passkey/?next=/account/")
        page.get_by_role("button", name="Make a passkey").click()
        page.get_by_role("link", name="They are written down").click()
        page.get_by_role("button", name="Log out").click()

        log_in(page, "first")
        page.goto("/keys/load/")
        page.get_by_label("Key-load file").set_input_files(
            {"name": "keys.json", "mimeType": "application/json", "buffer": text.encode()}
        )
        page.get_by_label("First half").fill(HALVES[0])
        page.get_by_label("Second person's user name").fill("second")
        page.get_by_label("Second person's password").fill(PASSWORD)
        page.get_by_role("button", name="Show their passkey").click()
        sync_api.expect(page.get_by_text("The passkey was shown.")).to_be_visible()
        page.get_by_label("Second half").fill(HALVES[1])
        page.get_by_role("button", name="Load the keys").click()
        page.wait_for_url("**/keys/")
        sync_api.expect(page.get_by_text("Loaded:")).to_be_visible()
        browser.close()
    assert VendingKey.objects.count() == 1
