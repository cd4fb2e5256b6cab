"""Pages: a token that waits, a sale taken back, and what is seen of both afterwards."""

import re
import uuid

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse as address

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.config.errors import NotPermitted
from headend.testing import NOON, make_supply
from headend.vending import disclosure, services
from headend.vending.models import Disclosure, Reversal

pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier(log_in):
    return log_in("cashier")


def vend(client, *, hold_token=True):
    return services.vend(
        caller=f"user:{client.user.pk}",
        message_id="m1",
        meter=make_supply().meter,
        tender_minor=50_00,
        operator=client.user,
        at=NOON,
        hold_token=hold_token,
    )


def page(client, name, sale):
    return client.get(address(f"vending:{name}", args=[sale.receipt_number])).content.decode()


def groups(sale):
    return re.compile(r"\s*".join(re.findall("....", sale.tokens.get().digits)))


def plain(html):
    return re.sub(r"<[^>]+>|&nbsp;|\s", "", html)


def shows_token(client, sale):
    html = page(client, "sale", sale)
    return sale.tokens.get().digits in plain(html) or bool(groups(sale).search(html))


def test_a_token_waits_until_somebody_asks_for_it(cashier):
    sale = vend(cashier)
    assert not shows_token(cashier, sale)
    assert "Nobody has the token yet" in page(cashier, "sale", sale)
    cashier.post(address("vending:show", args=[sale.receipt_number]))
    assert shows_token(cashier, sale)
    assert Disclosure.objects.get().disclosed_to == cashier.user


def test_who_only_looks_at_sales_gives_no_token_out(cashier, log_in):
    sale = vend(cashier)
    for group in ("auditor", "tariff clerk", "approver", "engineer"):
        looker = log_in(group)
        assert "Show the token" not in page(looker, "sale", sale)
        assert looker.post(address("vending:show", args=[sale.receipt_number])).status_code == 403
        with pytest.raises(NotPermitted):
            disclosure.disclose(sale, to=looker.user, how=Disclosure.How.SHOWN, at=NOON)
    assert not Disclosure.objects.exists()


def test_the_till_shows_the_token_it_sold(cashier):
    meter = make_supply().meter
    path = address("till:confirm", args=[meter.drn])
    answer = cashier.post(path, {"amount": "50.00", "message_id": uuid.uuid4()})
    sale = meter.sales.get()
    assert not Disclosure.objects.exists()
    assert sale.tokens.get().digits in plain(cashier.get(answer.url).content.decode())
    assert Disclosure.objects.get().how == "shown"
    assert "can't be reversed" in page(cashier, "reverse", sale)


def test_a_sale_is_taken_back_on_a_page_that_says_what_happens(cashier):
    sale = vend(cashier)
    html = page(cashier, "reverse", sale)
    assert "Nobody has seen the token".lower() in html
    assert "Nomsa Dube" in html
    asked = {"reason": "wrong customer", "message_id": uuid.uuid4()}
    path = address("vending:reverse", args=[sale.receipt_number])
    for _ in range(2):
        assert cashier.post(path, asked).status_code == 302
    assert Reversal.objects.get().reason == "wrong customer"
    assert not shows_token(cashier, sale)
    html = page(cashier, "sale", sale)
    assert "REVERSED" in html
    assert "Reason: wrong customer" in html
    listed = cashier.get(address("vending:sales")).content.decode()
    assert "1 reversed, not counted" in listed
    assert "0 sales" in listed


def test_a_refusal_is_told_and_nothing_is_done(cashier):
    sale = vend(cashier, hold_token=False)
    assert "does not prove it unused" in page(cashier, "reverse", sale)
    path = address("vending:reverse", args=[sale.receipt_number])
    answer = cashier.post(path, {"reason": "wrong", "message_id": uuid.uuid4()})
    assert answer.status_code == 422
    assert not Reversal.objects.exists()
    assert cashier.post(path, {"message_id": uuid.uuid4()}).status_code == 422


def test_who_may_not_ask_for_a_move_is_told_whom_to_tell(cashier):
    sale = vend(cashier, hold_token=False)
    assert "a colleague who may" not in page(cashier, "reverse", sale)
    Group.objects.get(name="cashier").permissions.remove(
        Permission.objects.get(codename="reallocate")
    )
    assert "a colleague who may" in page(cashier, "reverse", sale)


def test_a_second_confirmation_is_told_once_and_leads_nowhere_else(cashier):
    sale = vend(cashier)
    path = address("vending:reverse", args=[sale.receipt_number])
    for _ in range(2):
        answer = cashier.post(path, {"message_id": str(uuid.uuid4()), "reason": "mistyped"})
    html = answer.content.decode()
    assert (answer.status_code, html.count("was reversed already")) == (422, 1)
    assert "Move it to the right meter" not in html


def test_a_move_is_asked_for_and_shown_on_both_sales(cashier, log_in):
    sale = vend(cashier, hold_token=False)
    right = make_supply().meter
    assert "Who carries it" in page(cashier, "move", sale)
    path = address("vending:move", args=[sale.receipt_number])
    asked = {"meter": right.drn, "bearer": "customer", "reason": "typed the neighbour's number"}
    assert cashier.post(path, asked | {"meter": "04199999999"}).status_code == 422
    assert cashier.post(path, asked).status_code == 302
    assert "Waits for a second person" in page(cashier, "sale", sale)
    approver = log_in("approver")
    approvals.approve(Approval.objects.get(), approver.user, NOON)
    new = right.sales.get()
    assert new.receipt_number in page(cashier, "sale", sale)
    assert sale.receipt_number in page(cashier, "sale", new)
    assert "was moved to another meter already" in page(cashier, "reverse", sale)


def test_reversing_needs_its_permission(log_in, cashier):
    sale = vend(cashier)
    auditor = log_in("auditor")
    path = address("vending:reverse", args=[sale.receipt_number])
    assert auditor.get(path).status_code == 403
    assert auditor.post(path).status_code == 403
