"""Requests with a character that PostgreSQL can't store are refused before a page reads them."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/till/?q=a%00b", "/customers/?q=%00", "/meters/0%00/"])
def test_an_address_with_a_nul_is_refused(log_in, address):
    answer = log_in("cashier").get(address)
    assert answer.status_code == 400
    assert "could not be read" in answer.content.decode()


def test_a_form_with_a_nul_is_refused(log_in):
    client = log_in("utility administrator")
    answer = client.post("/keys/load/passkey/", {"username": "a\0b"})
    assert answer.status_code == 400
