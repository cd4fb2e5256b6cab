"""The editor of tariffs in a real browser: a draft whose name and code are not written yet."""

from __future__ import annotations

import pytest

from headend.accounts.services import create_user

pytestmark = pytest.mark.any_database

sync_api = pytest.importorskip("playwright.sync_api")

PASSWORD = "correct horse battery"


@pytest.mark.django_db(transaction=True)
def test_cards_and_examples_follow_before_the_draft_has_a_code(live_server, chromium, settings):
    settings.SECOND_FACTOR = "offered"
    create_user(username="clerk", password=PASSWORD, groups=("tariff clerk",))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_context(base_url=live_server.url).new_page()
        page.goto("/log-in/")
        page.get_by_label("User name").fill("clerk")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/")

        page.goto("/tariffs/new/?example=flat")
        page.get_by_label("Steps, rate 1").fill("5")
        sync_api.expect(page.locator("#preview")).to_contain_text("Energy: 5.00 per kWh.")
        page.get_by_role("button", name="Remove Tax").click()
        sync_api.expect(page.locator("#preview")).not_to_contain_text("VAT")
        page.get_by_role("button", name="Save the draft").last.click()
        sync_api.expect(page.get_by_text("This field is required.")).to_be_visible()
        browser.close()
