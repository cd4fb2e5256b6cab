"""The pages of free electricity: programmes, who takes part, giving a month's."""

import re

import pytest
from django.utils.html import strip_tags

from headend.accounts.groups import ADMINISTRATOR
from headend.accounts.models import Approval
from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.customers.services import end_agreement
from headend.testing import NOON, make_supply
from headend.vending.models import FreeEnrolment, FreeGrant, FreeProgramme
from headend.vending.tests.test_free_electricity import enrol, register, sell

pytestmark = pytest.mark.django_db

LIST = "/sales/free-electricity/"


def text(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode()))


def test_an_amount_is_asked_for_and_shown_once_approved(log_in):
    client = log_in(ADMINISTRATOR)
    assert "There is no programme" in text(client.get(LIST))
    sent = {
        "code": "fbe",
        "title": "Free basic electricity",
        "energy": "50",
        "from_month": "2026-11",
        "reason": "policy",
    }
    assert "Write the month" in text(client.post(LIST, sent | {"from_month": "May"}))
    assert "has passed" in text(client.post(LIST, sent | {"from_month": "2026-01"}))
    assert client.post(LIST, sent).status_code == 302
    assert "gives 50 kWh a month from 2026-11" in Approval.objects.get().summary
    page = text(client.get(LIST))
    assert "There is no programme" in page
    assert "Waits for a second person" in page
    assert "Free basic electricity (fbe) gives 50 kWh a month" in page
    register(code="other")
    page = text(client.get(LIST))
    assert "0 enrolled, 0 given in 2026-11" in page


def test_without_a_programme_nobody_is_asked_to_enrol(log_in):
    page = text(log_in(ADMINISTRATOR).get(f"{LIST}of/{id_of(make_supply().customer)}/"))
    assert "There is no programme" in page
    assert "Enrol" not in page


def test_a_customer_is_enrolled_and_the_enrolment_ended(log_in):
    supply, programme = make_supply(), register()
    client = log_in(ADMINISTRATOR)
    page = f"{LIST}of/{id_of(supply.customer)}/"
    name = f"enrol-{supply.pk}"
    sent = {"form": name, f"{name}-programme": programme.pk, f"{name}-from_month": "2026-11"}
    assert client.post(page, sent).status_code == 302
    (enrolment,) = FreeEnrolment.objects.all()
    end = f"end-{enrolment.pk}"
    wrong = {"form": end, f"{end}-until_month": "2026-01", f"{end}-reason": "moved"}
    assert client.post(page, wrong).status_code == 422
    right = wrong | {f"{end}-until_month": "2027-01"}
    assert client.post(page, right).status_code == 302
    assert "2027-01 is the first month without" in text(client.get(page))


def test_who_moved_out_is_enrolled_no_more(log_in):
    stays, moves, programme = make_supply(), make_supply(), register()
    for one in (stays, moves):
        enrol(one, programme)
    end_agreement(moves, by=console_user(), at=NOON, reason="moved out")
    client = log_in(ADMINISTRATOR)
    page = text(client.get(LIST))
    assert "1 enrolled, 0 given in 2026-11 · 1 more is not supplied there any more" in page
    of_customer = f"{LIST}of/{{}}/"
    gone = text(client.get(of_customer.format(id_of(moves.customer))))
    assert "They are not supplied there any more" in gone
    assert "not supplied" not in text(client.get(of_customer.format(id_of(stays.customer))))


def test_it_is_given_at_the_till_without_a_purchase(log_in):
    supply = make_supply()
    client = log_in("cashier")
    till, give = f"/till/{supply.meter.drn}/", f"{LIST}meter/{supply.meter.drn}/"
    assert "Nothing to give" in text(client.get(give))
    assert client.post(give).status_code == 422
    enrol(supply)
    assert "Free basic electricity 2026-11: 50.0 kWh" in text(client.get(till))
    assert "Give 50.0 kWh" in text(client.get(give))
    given = text(client.post(give))
    token = FreeGrant.objects.get().token
    assert str(token) in given
    assert "Show its token again" in text(client.get(give))
    assert str(token) in text(client.post(give))
    assert "Free basic electricity" not in text(client.get(till))


def test_the_sales_page_says_which_token_is_how_far(log_in):
    supply = make_supply()
    enrol(supply)
    client = log_in("cashier")
    sale = sell(supply, "1")
    page = f"/sales/{sale.receipt_number}/"
    assert text(client.get(page)).count("Not sent: the customer types the token.") == 1
    client.post(f"{page}send/")
    part = text(client.get(f"{page}delivery/"))
    assert re.search("Token .*Waiting.* Free basic electricity 2026-11 .*Waiting", part)


def test_who_may_what(log_in):
    supply = make_supply()
    enrol(supply, FreeProgramme.objects.create(code="x", title="X"))
    cashier, auditor = log_in("cashier"), log_in("auditor")
    assert cashier.get(LIST).status_code == 403
    assert auditor.get(f"{LIST}meter/{supply.meter.drn}/").status_code == 403
    page = auditor.get(LIST)
    assert page.status_code == 200
    assert "Ask for it" not in text(page)
    assert "Enrol" not in text(auditor.get(f"{LIST}of/{id_of(supply.customer)}/"))
