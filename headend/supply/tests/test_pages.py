"""The pages of supplies: what they show, what they do, and for whom."""

from datetime import timedelta

import pytest

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.config.opaque import id_of
from headend.meters.models import Meter
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import closings, replacements
from headend.supply.models import Closing, MoveIn, Refund, Replacement, Rule
from headend.supply.tests.conftest import owe, tell_state
from headend.supply.tests.test_modes import switch
from headend.testing import NOON, make_tariff, new_drn
from headend.vendors.shifts import fill_safe

pytestmark = pytest.mark.django_db
NOW = NOON + timedelta(minutes=10)  # the session lasts as long
ADMINISTRATOR = "utility administrator"
REGISTERS = {"energy_wh": "12.0", "credit_wh": "10.0"}


@pytest.fixture
def client(supply, log_in, monkeypatch):
    """An administrator some minutes after the supply began."""
    client = log_in(ADMINISTRATOR)
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    return client


@pytest.fixture
def stock(supply) -> Meter:
    return register_meter(
        drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=console_user(), at=NOON
    )


def text(answer):
    return answer.content.decode()


def started(supply):
    return closings.start(supply, by=console_user(), at=NOW, reason="moves", ask_meter=False)


def test_an_account_is_closed_from_notice_to_refund(client, supply):
    tell_state(supply.meter, energy_wh=12_000, credit_wh=10_000)
    address = f"/supply/meters/{supply.meter.drn}/close/"
    page = text(client.get(address))
    assert "estimated" in page
    assert "R\u00a028.75" in page
    assert not Closing.objects.exists()
    done = client.post(address, {"ask_meter": "no", "reason": "moves away"})
    closing = Closing.objects.get()
    assert done.url == f"/supply/closings/{closing}/"
    again = client.post(address, {"ask_meter": "no", "reason": "moves away"}, follow=True)
    assert again.redirect_chain == [(done.url, 302)]  # in a second tab
    assert "being closed already" in text(again)
    assert client.post(f"{done.url}registers/", REGISTERS).url == done.url
    assert "Settle with a refund of R\u00a028.75" in text(client.get(done.url))
    client.post(f"{done.url}settle/")
    assert "can&#x27;t be settled: settled" in text(client.post(f"{done.url}settle/"))
    page = text(client.get(done.url))
    assert "Ask to pay" in page
    assert "The meter still holds 10.0 kWh" in page
    statement = text(client.get(f"{done.url}statement/"))
    assert "Nomsa Dube" in statement
    assert "Refund to the customer" in statement
    client.post(f"{done.url}clear/", {"how": "token", "note": "shows 0"})
    refused = client.post(f"{done.url}pay/", {"method": "cash"})
    assert "The safe does not hold R\u00a028.75" in text(refused)
    fill_safe(amount_minor=28_75, by=console_user(), at=NOON, reason="refunds")
    assert "waits for a second person" in text(
        client.post(f"{done.url}pay/", {"method": "cash"}, follow=True)
    )
    assert not Refund.objects.exists()
    second = create_user(username="second", password=None, groups=("approver",))
    approvals.refuse(Approval.objects.get(), second, NOW, "another account")
    assert "refused it" in (page := text(client.get(done.url)))
    assert "another account" in page
    client.post(f"{done.url}pay/", {"method": "bank"})
    assert "refused it" not in text(client.get(done.url))


def test_what_is_wrong_is_told_where_it_was_typed(client, supply):
    closing = started(supply)
    answer = client.post(
        f"/supply/closings/{closing}/registers/", {"energy_wh": "much", "credit_wh": "1"}
    )
    assert answer.status_code == 422
    assert "Write kWh as" in text(answer)
    assert client.post(f"/supply/closings/{closing}/settle/").status_code == 422
    assert client.post(f"/supply/closings/{closing}/nonsense/").status_code == 404
    assert client.get(f"/supply/closings/{closing}/statement/").status_code == 404


def test_the_next_customer_moves_in(client, supply):
    owe(supply.premises, 20_00, title="Cable <cut>")
    closing = started(supply)
    address = f"/supply/meters/{supply.meter.drn}/move-in/"
    assert "The former account is not settled" in text(client.get(address))
    closings.note_registers(closing, energy_wh=12_000, credit_wh=10_000, by=console_user(), at=NOW)
    closings.settle(closing, by=console_user(), at=NOW)
    page = text(client.get(address))
    assert "let the new customer buy them for R\u00a028.75" in page
    assert "Cable &lt;cut&gt;" in page
    typed = REGISTERS | {
        "name": "Next One", "address": "1 Test Road", "tariff": make_tariff().pk,
        "threshold": "5", "source": "person", "buys_credit": "on",
    }  # fmt: skip
    assert "tell the customer" in text(client.post(address, typed))
    done = client.post(address, typed | {"accepts_debts": "on"})
    made = MoveIn.objects.get()
    assert done.url == f"/customers/{id_of(made.agreement.customer)}/"
    assert made.bought_minor == 28_75


def test_a_known_customer_moves_in_at_another_meter(client, supply, stock):
    page = text(client.get(f"/customers/{id_of(supply.customer)}/"))
    assert f"/supply/move-in/?customer={id_of(supply.customer)}" in page
    found = client.post(
        f"/supply/move-in/?customer={id_of(supply.customer)}", {"number": stock.drn}
    )
    assert found.url == f"/supply/meters/{stock.drn}/move-in/?customer={id_of(supply.customer)}"
    typed = {
        "address": "2 New Road", "tariff": make_tariff().pk, "energy_wh": "0", "credit_wh": "0",
        "threshold": "5", "source": "person",
    }  # fmt: skip
    client.post(found.url, typed)
    assert MoveIn.objects.get().agreement.customer == supply.customer
    assert client.post("/supply/move-in/", {"number": "1"}).status_code == 422


def test_a_meter_is_replaced_and_its_credit_moved(client, supply, stock):
    tell_state(supply.meter, energy_wh=12_000, credit_wh=10_000)
    old = supply.meter
    address = f"/supply/meters/{old.drn}/replace/"
    assert "10.0 kWh of credit" in text(client.get(address))
    typed = REGISTERS | {"new_meter": stock.drn, "new_energy_wh": "0", "reason": "burnt"}
    typed["new_credit_wh"] = "0"
    done = client.post(address, typed)
    made = Replacement.objects.get()
    assert done.url == f"/supply/replacements/{made}/"
    page = text(client.get(done.url))
    assert "Move 10.0 kWh to the new meter" in page
    assert "not proved unused" in page
    assert client.post(f"{done.url}token/").url == done.url
    made.refresh_from_db()
    assert made.transfer_token is not None
    digits = made.transfer_token.digits
    assert digits[:4] in text(client.get(done.url))
    assert "transferred already" in text(client.post(f"{done.url}command/"))
    tid = supply.sales.get().tokens.get().tid
    assert "does not prove" in text(client.post(f"{done.url}reissue/", {"tid": tid}))
    again = client.post(address, typed, follow=True)  # in a second tab
    assert again.redirect_chain == [(done.url, 302)]
    assert f"Meter {old.drn} was replaced already, by meter {stock.drn}" in text(again)


def test_pages_tell_which_meters_served_before(client, supply, stock):
    old = supply.meter
    made = replacements.replace(
        supply, stock, old=replacements.OldMeter(0, 0), new_energy_wh=0, by=console_user(),
        at=NOW, reason="burnt",
    )  # fmt: skip
    closing = started(supply)
    customer = text(client.get(f"/customers/{id_of(supply.customer)}/"))
    for told in (f"/meters/{old.drn}/", f"replacement {made}", f"Closing {closing}"):
        assert told in customer
    assert f'replaced there by <a href="/meters/{stock.drn}/"' in text(
        client.get(f"/meters/{old.drn}/")
    )
    assert f"closing {closing}" in text(client.get(f"/meters/{stock.drn}/"))


def test_registers_are_typed_as_the_meters_display_shows_them(client, supply, stock):
    shown = {"energy_wh": "12.04", "credit_wh": "9.96", "new_meter": stock.drn, "reason": "burnt"}
    shown |= {"new_energy_wh": "0.00", "new_credit_wh": "0.00"}
    assert client.post(f"/supply/meters/{supply.meter.drn}/replace/", shown).status_code == 302
    made = Replacement.objects.get()
    assert (made.energy_wh, made.credit_wh) == (12_040, 9_960)


def test_registers_of_a_replaced_meter_are_entered_later(client, supply, stock):
    made = replacements.replace(
        supply, stock, old=replacements.OldMeter(), new_energy_wh=0, by=console_user(),
        at=NOW, reason="burnt",
    )  # fmt: skip
    address = f"/supply/replacements/{made}/"
    assert "Registers of the old meter" in text(client.get(address))
    assert client.post(f"{address}registers/", {"energy_wh": "x"}).status_code == 422
    client.post(f"{address}registers/", REGISTERS)
    made.refresh_from_db()
    assert made.credit_wh == 10_000


def test_what_waits_is_on_top_of_the_list(client, supply):
    assert "Nothing waits" in text(client.get("/supply/"))
    closing = started(supply)
    page = text(client.get("/supply/"))
    assert f"Closing {closing}" in page
    assert "registers not known" in page


def test_the_rule_is_set(client):
    assert "No rule was set" in text(client.get("/supply/rule/"))
    typed = {"valuation": "fixed", "refund_limit": "100", "mode_credit": "refunded"}
    assert client.post("/supply/rule/", typed).status_code == 422
    client.post("/supply/rule/", typed | {"price": "2.5"})
    rule = Rule.objects.get()
    assert (rule.price_minor_per_kwh, rule.refund_limit_minor) == (250, 100_00)
    page = text(client.get("/supply/rule/"))
    assert "R\u00a02.50/kWh" in page
    assert 'value="100.00"' in page


def test_switches_are_listed_and_given_to_billing(client, supply):
    assert "No meter was switched" in text(client.get("/supply/switches/"))
    done = switch(supply.meter, "postpayment", at=NOW)
    assert done.number in text(client.get("/supply/switches/"))
    sheet = client.get("/supply/switches/?sheet")
    assert sheet["Content-Type"].startswith("text/csv")
    assert done.number in text(sheet)


@pytest.mark.parametrize("group", ["cashier", "auditor"])
def test_only_who_may_changes_a_supply(supply, log_in, group):
    client = log_in(group)
    for page in ("close", "move-in", "replace"):
        assert client.get(f"/supply/meters/{supply.meter.drn}/{page}/").status_code == 403
    assert client.get("/supply/").status_code == (200 if group == "auditor" else 403)
