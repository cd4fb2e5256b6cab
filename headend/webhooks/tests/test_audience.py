"""Who is told: programs, within what they may see."""

from __future__ import annotations

from typing import Any

import pytest

from headend.accounts.models import User
from headend.accounts.programs import grant, program_named
from headend.accounts.services import console_user
from headend.config.errors import NotPermitted
from headend.testing import NOON
from headend.vendors.services import add_operator
from headend.vendors.tests.conftest import Shop
from headend.webhooks import services
from headend.webhooks.errors import InvalidWebhook
from headend.webhooks.tests.conftest import URL, Receiver, sell, work


def test_a_program_is_told_only_what_it_may_see(supply, subscribe):
    webhook = subscribe("sale.made")
    webhook.program.user_permissions.clear()
    sell(supply)
    receiver = Receiver()
    work(receiver)
    assert receiver.taken == []


def test_a_program_of_a_vendor_is_told_of_its_vendor_only(supply, subscribe):
    own, other = Shop("Shop"), Shop("Other")
    webhook = subscribe("sale.made", "debt.opened", program="shop")
    add_operator(own.vendor, webhook.program, by=console_user(), at=NOON)
    for shop in (own, other):
        shop.buy(50_000)
        shop.open_shift()
    mine = own.sell(10_000, supply)
    other.sell(10_000, supply)
    sell(supply)
    receiver = Receiver()
    work(receiver)
    assert [body["data"]["receipt_number"] for _, body, _ in receiver.taken] == [
        mine.receipt_number
    ]


def test_a_program_subscribes_itself_within_what_it_may_see(supply):
    program = program_named("crm")
    asked: dict[str, Any] = {"program": program, "name": "mine", "url": URL, "at": NOON}
    with pytest.raises(NotPermitted):
        services.subscribe(**asked, kinds=["sale.made"], by=program)
    grant(program, ["webhooks.subscribe", "vending.view_sale"])
    program = User.objects.get(pk=program.pk)
    asked["program"] = program
    assert services.subscribe(**asked, kinds=["sale.made"], by=program).webhook.pk
    with pytest.raises(NotPermitted, match=r"debt\.opened"):
        services.subscribe(**asked, kinds=["sale.made", "debt.opened"], by=program)
    webhook = program.webhooks.get()
    stranger = program_named("stranger")
    grant(stranger, ["webhooks.subscribe"])
    with pytest.raises(NotPermitted):
        services.pause(webhook, by=User.objects.get(pk=stranger.pk), at=NOON)


@pytest.mark.parametrize(
    "fault",
    [{"name": " "}, {"kinds": []}, {"kinds": ["sale"]}, {"url": "http://receiver.example/"}],
)
def test_an_impossible_webhook_is_refused(db, fault):
    asked = {"name": "test", "url": URL, "kinds": ["sale.made"]}
    with pytest.raises(InvalidWebhook):
        services.subscribe(
            program=program_named("crm"), **(asked | fault), by=console_user(), at=NOON
        )
