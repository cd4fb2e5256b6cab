"""A low wallet is told once as it falls, and again after credit was bought."""

from datetime import timedelta
from typing import Any

import pytest

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.fleet.models import WorkItem
from headend.testing import NOON, make_supply
from headend.vending.chores import look_at_wallets
from headend.vendors import wallet_watch
from headend.vendors.errors import InvalidVendor
from headend.vendors.models import WalletWatch
from headend.vendors.tests.conftest import Shop
from headend.vendors.wallet_watch import look, set_threshold

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply(at_noon):
    return make_supply()


@pytest.fixture
def shop(supply):
    """A shop with 500.00 that wants to know when less than 100.00 is left."""
    shop = Shop()
    shop.buy(500_00)
    shop.open_shift()
    set_threshold(shop.vendor, 100_00, by=console_user(), at=NOON)
    return shop


def test_it_is_told_once_as_it_falls_and_again_after_a_refill(shop, supply):
    assert look(at=NOON) == ([], [])
    shop.sell(400_00, supply)
    assert look(at=NOON) == ([], [])  # just not below
    shop.sell(1_00, supply)
    later = NOON + timedelta(minutes=1)
    assert look(at=later) == ([shop.vendor], [])
    assert WalletWatch.objects.get().low_since == later
    assert look(at=later) == ([], [])
    shop.buy(1_00)
    assert look(at=later) == ([], [shop.vendor])
    shop.sell(1_00, supply)
    assert look(at=later) == ([shop.vendor], [])
    told = AuditEntry.objects.filter(action="vendors.wallet_low").order_by("pk")
    after: list[Any] = [one.after for one in told]
    assert [one["available_minor"] for one in after] == [99_00, 99_00]


def test_two_who_look_at_once_tell_it_once(shop, supply):
    shop.sell(450_00, supply)
    watch: Any = WalletWatch.objects.select_related("vendor").get()
    watch.available = 50_00
    assert wallet_watch._noted(watch, True, NOON)
    assert not wallet_watch._noted(watch, True, NOON)
    assert AuditEntry.objects.filter(action="vendors.wallet_low").count() == 1


def test_another_threshold_is_another_question(shop, supply):
    shop.sell(300_00, supply)
    assert look(at=NOON).fallen == []
    set_threshold(shop.vendor, 300_00, by=console_user(), at=NOON)
    assert look(at=NOON).fallen == [shop.vendor]
    set_threshold(shop.vendor, None, by=console_user(), at=NOON)
    assert not WalletWatch.objects.exists()


def test_it_is_a_work_item_until_credit_is_bought(shop, supply):
    assert look_at_wallets(at=NOON).told == "No wallet became low."
    shop.sell(450_00, supply)
    assert str(shop.vendor) in look_at_wallets(at=NOON).told
    item = WorkItem.objects.get(closed_at=None)
    assert str(shop.vendor) in item.summary
    look_at_wallets(at=NOON)
    shop.buy(100_00)
    look_at_wallets(at=NOON)
    assert not WorkItem.objects.filter(closed_at=None).exists()


@pytest.mark.parametrize("threshold_minor", [0, -1, 10**14])
def test_a_threshold_that_cannot_be_is_refused(shop, threshold_minor):
    with pytest.raises(InvalidVendor):
        set_threshold(shop.vendor, threshold_minor, by=console_user(), at=NOON)


def test_only_who_sees_to_credit_sets_it(shop):
    cashier = create_user(username="cashier", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        set_threshold(shop.vendor, 1, by=cashier, at=NOON)


def test_it_is_set_on_the_vendors_page(shop, log_in):
    admin = log_in("utility administrator")
    page = f"/vendors/{id_of(shop.vendor)}/"
    assert "low below" in admin.get(page).content.decode()
    assert admin.post(f"{page}low-wallet/", {"threshold": "250"}).status_code == 302
    assert WalletWatch.objects.get().threshold_minor == 250_00
    assert "250.00" in admin.get(f"{page}low-wallet/").content.decode()
    admin.post(f"{page}low-wallet/", {"threshold": ""})
    assert "Tell when it runs low" in admin.get(page).content.decode()
