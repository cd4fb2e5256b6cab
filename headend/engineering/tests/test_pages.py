"""The pages of engineering tokens and keys: who sees them, and the way from order to digits."""

import pytest
from django.urls import reverse

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import create_user
from headend.design.templatetags.display import groups, spaced
from headend.engineering.kinds import KINDS
from headend.fleet.models import Command
from headend.meters.models import KeyChange, Meter
from headend.testing import NOON, make_supply
from headend.vending.models import IssuedToken
from headend.vending.services import vend
from headend.vending.tests.key_meters import load_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(db):
    return make_supply().meter


@pytest.fixture
def client(log_in):
    return log_in("engineer")


def approver():
    return create_user(username="approver", password=None, groups=("approver",))


def address(name, *args):
    return reverse(f"engineering:{name}", args=args)


def test_the_meters_page_leads_to_all_that_can_be_issued(client, meter):
    page = client.get(reverse("fleet:meter", args=[meter.drn])).content.decode()
    assert address("recent", meter.drn) in page
    page = client.get(address("meter", meter.drn)).content.decode()
    for slug in KINDS:
        assert address("order", meter.drn, slug) in page
        assert client.get(address("order", meter.drn, slug)).status_code == 200
    assert "No tokens yet" in page
    assert client.get(address("order", meter.drn, "magic")).status_code == 404


def test_a_test_token_is_made_shown_and_sent(client, meter):
    answer = client.post(
        address("order", meter.drn, "unbalance-limit"), {"limit_w": 500, "reason": "three phases"}
    )
    token = IssuedToken.objects.get()
    assert answer.url == address("token", token.pk)
    page = client.get(answer.url).content.decode()
    assert str(groups(token.digits)) in page
    assert "three phases" in page
    client.post(address("send", token.pk))
    client.post(address("send", token.pk))
    assert Command.objects.get().arguments == {"digits": token.digits}
    assert "pending" in client.get(answer.url).content.decode()
    listed = client.get(address("recent", meter.drn)).content.decode()
    assert "Phase unbalance limit: 500 W" in listed
    assert token.digits not in listed.replace(" ", "")


def test_a_wrong_field_is_named_beside_it(client, meter):
    answer = client.post(
        address("order", meter.drn, "power-limit"), {"limit_w": 18_201_625, "reason": "x"}
    )
    assert answer.status_code == 422
    assert "less than or equal to 18201624" in answer.content.decode()
    answer = client.post(address("order", meter.drn, "clear-tamper"), {})
    assert answer.status_code == 422
    assert not Approval.objects.exists()


def test_a_sensitive_one_waits_and_then_is_listed(client, meter):
    answer = client.post(address("order", meter.drn, "clear-tamper"), {"reason": "seal replaced"})
    assert answer.url == address("meter", meter.drn)
    assert "Waits for a second person" in client.get(answer.url).content.decode()
    approvals.approve(Approval.objects.get(), by=approver(), at=NOON)
    page = client.get(answer.url).content.decode()
    assert "Waits for a second person" not in page
    assert "approved by approver" in page
    assert address("token", IssuedToken.objects.get().pk) in page


def test_a_key_is_changed_printed_confirmed(client, meter):
    load_key()
    fields = {"sgc": meter.sgc, "krn": 2, "ti": 1, "kt": 2, "base_date": 2014, "reason": "due"}
    assert client.post(address("change-key", meter.drn), fields | {"krn": 1}).status_code == 422
    client.post(address("change-key", meter.drn), fields | {"token_count": "3"})
    approvals.approve(Approval.objects.get(), by=approver(), at=NOON)
    change = KeyChange.objects.get()
    page = client.get(address("key-change", change.pk)).content.decode()
    for token in IssuedToken.objects.all():
        assert spaced(token.digits) in page
    assert "New key 3 of 3" in page
    assert "under way" in client.get(address("meter", meter.drn)).content.decode()
    client.post(
        address("order", meter.drn, "unbalance-limit"), {"limit_w": 500, "reason": "three phases"}
    )
    limit = address("token", IssuedToken.objects.latest("pk").pk)
    assert "Enter the new key first" in client.get(limit).content.decode()
    end = address("end-key-change", change.pk)
    client.post(end, {"act": "send"})
    assert Command.objects.count() == 3
    client.post(end, {"act": "entered"})
    assert Meter.objects.get().has_key_change_due
    client.post(end, {"act": "entered", "reason": "seen on its display"})
    assert not Meter.objects.get().has_key_change_due
    assert "Enter the new key first" not in client.get(limit).content.decode()
    assert client.post(end, {"act": "dance", "reason": "x"}).status_code == 404


def test_credit_sold_on_a_key_that_never_came_is_made_again(client, meter):
    load_key()
    fields = {"sgc": meter.sgc, "krn": 2, "ti": 1, "kt": 2, "base_date": 2014, "reason": "due"}
    client.post(address("change-key", meter.drn), fields)
    second = approver()
    approvals.approve(Approval.objects.get(), by=second, at=NOON)
    change = KeyChange.objects.get()
    sale = vend(
        caller="till",
        message_id="m1",
        meter=Meter.objects.get(),
        tender_minor=5000,
        operator=create_user(username="cashier", password=None, groups=("cashier",)),
        at=NOON,
    )
    client.post(address("end-key-change", change.pk), {"act": "withdraw", "reason": "old meter"})
    replace = address("replace", sale.tokens.get(token_class=0).pk)
    assert replace in client.get(address("key-change", change.pk)).content.decode()
    assert client.get(replace).status_code == 200
    client.post(replace, {"reason": "the meter was never changed"})
    assert replace not in client.get(address("key-change", change.pk)).content.decode()
    approvals.approve(Approval.objects.get(state="open"), by=second, at=NOON)
    made = IssuedToken.objects.latest("pk")
    assert (made.units, made.krn) == (173, 1)
    assert client.get(address("token", made.pk)).status_code == 200
    assert client.get(address("token", sale.tokens.get(token_class=0).pk)).url == reverse(
        "vending:sale", args=[sale.receipt_number]
    )


@pytest.mark.parametrize("group", ["cashier", "vendor manager", "vendor cashier"])
def test_others_see_none_of_it(log_in, meter, group):
    client = log_in(group)
    for page in (
        address("meter", meter.drn),
        address("recent", meter.drn),
        address("order", meter.drn, "clear-tamper"),
        address("change-key", meter.drn),
    ):
        assert client.get(page).status_code == 403
    assert address("recent", meter.drn) not in str(
        client.get(reverse("fleet:meter", args=[meter.drn])).content
    )


def test_an_auditor_looks_but_does_nothing(log_in, meter):
    client = log_in("auditor")
    assert client.get(address("meter", meter.drn)).status_code == 200
    assert client.get(address("order", meter.drn, "clear-tamper")).status_code == 403
    assert client.get(address("change-key", meter.drn)).status_code == 403
