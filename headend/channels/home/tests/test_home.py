"""The start page leads each role to its work and nowhere else."""

import pytest

from headend.config.opaque import id_of
from headend.fleet.work_items import open_work_item
from headend.testing import NOON

_EVERYTHING = [
    *("/till/", "/shifts/", "/sales/", "/customers/", "/meters/", "/supply/", "/tariffs/"),
    *("/currencies/", "/debts/", "/vendors/", "/exchange/", "/ledger/", "/keys/"),
    *("/campaigns/", "/people/", "/approvals/", "/audit/", "/housekeeping/"),
]
_NOT_TO_LOOK_AT = ("/till/", "/shifts/", "/exchange/", "/people/")
_TO_LOOK_AT = [link for link in _EVERYTHING if link not in _NOT_TO_LOOK_AT]


@pytest.mark.parametrize(
    ("group", "links"),
    [
        ("utility administrator", _EVERYTHING),
        ("cashier", ["/till/", "/shifts/", "/sales/", "/customers/", "/meters/"]),
        (
            "engineer",
            ["/sales/", "/customers/", "/meters/", "/supply/", "/campaigns/", "/approvals/"],
        ),
        ("auditor", _TO_LOOK_AT),
    ],
)
def test_each_role_sees_its_own_work(log_in, group, links):
    client = log_in(group)
    page = client.get("/")
    assert [link["url"] for link in page.context["links"]] == links
    for address in links:
        assert client.get(address).status_code == 200


def test_who_has_no_role_is_told_what_to_do(log_in):
    client = log_in()
    assert "Ask a utility administrator" in client.get("/").content.decode()
    for address in ("/till/", "/sales/", "/customers/", "/meters/"):
        assert client.get(address).status_code == 403


def test_a_work_item_is_closed_by_those_who_command_meters(log_in):
    item = open_work_item(kind="delivery", cause="1", summary="Call the customer", at=NOON)
    address = f"/meters/work-items/{id_of(item)}/close/"
    assert "lacks the permission" in log_in("auditor").post(address, follow=True).content.decode()
    engineer = log_in("engineer")
    assert engineer.get(address).status_code == 405
    assert address in engineer.get("/").content.decode()
    assert "Call the customer" not in engineer.post(address, follow=True).content.decode()


def test_open_work_items_are_shown_to_those_who_see_them(log_in):
    open_work_item(kind="delivery", cause="1", summary="Call the customer", at=NOON)
    assert "Call the customer" in log_in("engineer").get("/").content.decode()
    assert "Call the customer" not in log_in("cashier").get("/").content.decode()
