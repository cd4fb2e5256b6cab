"""The page that tells whether a token was issued here says what API and command line say."""

import pytest

from headend.accounts.groups import CASHIER, INSTALLER
from headend.accounts.services import console_user
from headend.testing import NOON, make_supply
from headend.vending.services import vend

ADDRESS = "/sales/verify-token/"


@pytest.fixture
def sale(db, at_noon):
    return vend(
        caller="till",
        message_id="one",
        meter=make_supply().meter,
        tender_minor=10_000,
        operator=console_user(),
        at=NOON,
    )


def test_a_token_is_told_from_one_of_another_meter_and_one_that_is_not_ours(log_in, sale):
    client = log_in(CASHIER)
    digits = sale.tokens.get().digits

    def told(meter, token):
        return client.post(ADDRESS, {"meter": meter, "token": token}).content.decode()

    grouped = " ".join(digits[i : i + 4] for i in range(0, 20, 4))
    found = told(sale.meter.drn, grouped)
    assert f"Issued here, for meter {sale.meter.drn}" in found
    assert sale.receipt_number in found
    assert "34.7 kWh" in found  # 100.00 / 1.15 / 2.50
    other = told(make_supply().meter.drn, digits)
    assert "Issued here, but for another meter" in other
    assert sale.receipt_number not in other
    assert "Not issued here" in told(sale.meter.drn, "1" * 20)
    assert "A token has 20 digits" in told(sale.meter.drn, "12")
    assert "check digit" in told("04200000001", digits)


def test_it_is_for_those_who_see_sales(log_in):
    assert log_in(INSTALLER).get(ADDRESS).status_code == 403
    page = log_in(CASHIER)
    assert ADDRESS in page.get("/sales/").content.decode()
