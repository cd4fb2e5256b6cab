"""A program of a vendor sells over the API on the vendor's wallet, and sees that vendor's only."""

import pytest

from headend.accounts.models import User
from headend.api.tests.conftest import code_of, program  # noqa: F401  a fixture
from headend.testing import NOON
from headend.vending.models import Sale
from headend.vendors import services, wallet
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db


def test_a_program_of_a_vendor(program, shop, supply):  # noqa: F811
    of_utility, of_shop = program(), program(name="shop")
    kiosk = services.add_till(shop.vendor, name="Kiosk", needs_shift=False, by=shop.by, at=NOON)
    user = User.objects.get(username="api-shop")
    services.add_operator(shop.vendor, user, till=kiosk, by=shop.by, at=NOON)
    other = Shop("Other Shop")
    other.buy(100_00)
    other.open_shift()
    theirs = other.sell(10_00, supply)
    vend = {"message_id": "m1", "meter": supply.meter.drn, "tender_minor": 50_00}
    trial = {"meter": supply.meter.drn, "tender_minor": 50_00}
    assert code_of(of_shop.post("/vend/trial", trial)) == "wallet_too_low"
    assert code_of(of_shop.post("/vend", vend)) == "wallet_too_low"
    shop.buy(60_00)
    answer = of_shop.post("/vend", vend)
    assert answer.status_code < 300
    own = Sale.objects.get(vendor=shop.vendor)
    assert (own.till, wallet.balance_minor(shop.vendor)) == (kiosk, 10_00)
    listed = [one["receipt_number"] for one in of_shop.get("/sales").json()["items"]]
    assert listed == [own.receipt_number]
    assert len(of_utility.get("/sales").json()["items"]) == 2
    tokens = of_shop.get("/tokens").json()["items"]
    assert [one["digits"] for one in tokens] == [own.tokens.get().digits]
    assert of_shop.get(f"/sales/{theirs.receipt_number}").status_code == 404
    assert of_utility.get(f"/sales/{theirs.receipt_number}").status_code == 200
    reprint = {"message_id": "m2", "reason": "x"}
    answer = of_shop.post(f"/sales/{theirs.receipt_number}/reprint", reprint)
    assert answer.status_code == 404
    check = {"meter": supply.meter.drn, "token": theirs.tokens.get().digits}
    told = of_shop.post("/tokens/verify", check).json()
    assert (told["is_for_this_meter"], told["token"]) == (True, None)
