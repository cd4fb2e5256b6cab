"""The pages of webhooks: making, looking, pausing, exchanging, sending again."""

from __future__ import annotations

from typing import Any

import pytest

from headend.accounts.programs import program_named
from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.testing import NOON
from headend.webhooks import services
from headend.webhooks.models import Delivery, Subscription

URL = "https://receiver.example/hook"


@pytest.fixture
def webhook(db: None) -> Subscription:
    return services.subscribe(
        program=program_named("crm"),
        name="CRM",
        url=URL,
        kinds=["sale.made"],
        by=console_user(),
        at=NOON,
    ).webhook


def test_a_webhook_is_made_and_its_secret_shown_once(log_in):
    admin = log_in("utility administrator")
    answer = admin.post(
        "/webhooks/new/",
        {"program": "crm", "name": "CRM", "url": URL, "kinds": ["sale.made", "debt.opened"]},
    )
    made = Subscription.objects.get()
    (secret,) = services.valid_secrets(made, at=NOON)
    assert secret in answer.content.decode()
    for page in (
        "/webhooks/",
        f"/webhooks/{id_of(made)}/",
        f"/webhooks/{id_of(made)}/change/",
    ):
        assert secret not in admin.get(page).content.decode()
    assert "/webhooks/" in admin.get("/people/").content.decode()


def test_an_address_inside_is_refused_on_the_page(log_in):
    answer = log_in("utility administrator").post(
        "/webhooks/new/",
        {"program": "crm", "name": "CRM", "url": "http://10.0.0.1/", "kinds": ["sale.made"]},
    )
    assert "https only" in answer.content.decode()
    assert not Subscription.objects.exists()


def test_it_is_paused_resumed_tested_changed_and_ended(log_in, webhook):
    admin = log_in("utility administrator")
    page = f"/webhooks/{id_of(webhook)}/"
    for verb, state in (("pause", "paused"), ("resume", "active"), ("test", "active")):
        assert admin.post(f"{page}{verb}/").status_code == 302
        webhook.refresh_from_db()
        assert webhook.state == state
    assert "webhook.test" in admin.get(page).content.decode()
    admin.post(f"{page}change/", {"name": "New", "url": URL, "kinds": ["debt.opened"]})
    webhook.refresh_from_db()
    assert (webhook.name, webhook.kinds) == ("New", ["debt.opened"])
    (before,) = services.valid_secrets(webhook, at=NOON)
    assert "New secret?" in admin.get(f"{page}secret/").content.decode()
    shown = admin.post(f"{page}secret/").content.decode()
    webhook.refresh_from_db()
    new, old = services.valid_secrets(webhook, at=NOON)
    assert new in shown
    assert old == before
    assert "cannot be undone" in admin.get(f"{page}end-it/").content.decode()
    admin.post(f"{page}end/")
    assert "has ended" in admin.post(f"{page}pause/", follow=True).content.decode()


def test_what_was_given_up_is_seen_and_sent_again(log_in, webhook):
    admin = log_in("utility administrator")
    made: Any = services.send_test(webhook, by=console_user(), at=NOON)
    Delivery.objects.update(state=Delivery.State.DEAD, attempts=10, last_error="nobody there")
    assert "nobody there" in admin.get("/webhooks/given-up/").content.decode()
    assert "1 given up" in admin.get("/webhooks/").content.decode()
    assert "webhook.test" in admin.get(f"/webhooks/{id_of(webhook)}/?state=dead").content.decode()
    again: tuple[tuple[str, dict[str, str]], ...] = (
        (f"/webhooks/deliveries/{id_of(made)}/", {}),
        (f"/webhooks/{id_of(webhook)}/replay/", {}),
        (f"/webhooks/{id_of(webhook)}/replay/", {"since": "2026-11-20T00:00"}),
    )
    for address, form in again:
        Delivery.objects.update(state=Delivery.State.DEAD, attempts=10)
        admin.post(address, form)
        made.refresh_from_db()
        assert (made.state, made.attempts) == (Delivery.State.PENDING, 0)
    Delivery.objects.update(state=Delivery.State.DELIVERED)
    admin.post(f"/webhooks/{id_of(webhook)}/replay/", {"since": "2026-11-22T00:00"})
    made.refresh_from_db()
    assert made.state == Delivery.State.DELIVERED


def test_an_auditor_looks_and_changes_nothing(log_in, webhook):
    auditor = log_in("auditor")
    assert "CRM" in auditor.get("/webhooks/").content.decode()
    assert auditor.get("/webhooks/new/").status_code == 403
    assert auditor.post(f"/webhooks/{id_of(webhook)}/end/").status_code == 403
    made: Any = services.send_test(webhook, by=console_user(), at=NOON)
    Delivery.objects.update(state=Delivery.State.DEAD)
    auditor.post(f"/webhooks/deliveries/{id_of(made)}/")
    made.refresh_from_db()
    assert made.state == Delivery.State.DEAD


def test_a_cashier_reaches_none_of_it(log_in, webhook):
    cashier = log_in("cashier")
    for page in ("", "given-up/", f"{id_of(webhook)}/"):
        assert cashier.get(f"/webhooks/{page}").status_code == 403
