"""The pages of key campaigns: plan, dry run, start, how it stands, report; who may see them."""

import pytest
from django.urls import reverse

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user
from headend.campaigns.models import Campaign
from headend.campaigns.tests.conftest import meters, worked
from headend.meters.models import KeyChange
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.testing import NOON
from headend.vending import key_changes
from headend.vending.tests.key_meters import load_key

pytestmark = pytest.mark.django_db

PLAN = {
    "name": "revision 2",
    "reason": "the old key is ten years old",
    "sgc": DEMONSTRATION_SGC,
    "new_krn": 2,
    "pre_code": "on",
    "push": "on",
}


@pytest.fixture
def client(log_in):
    load_demonstration_keys(by=console_user(), at=NOON)
    load_key()
    return log_in("engineer")


def page(client, name, *args, **query):
    return client.get(reverse(f"campaigns:{name}", args=args), query).content.decode()


def act(client, campaign, verb, reason=""):
    address = reverse("campaigns:act", args=[campaign.pk])
    return client.post(address, {"act": verb, "reason": reason}, follow=True).content.decode()


def test_from_plan_to_report(client, approver):
    first, second = meters(2)
    assert "No campaign yet" in page(client, "list")
    answer = client.post(reverse("campaigns:new"), PLAN)
    campaign = Campaign.objects.get()
    assert answer.url == reverse("campaigns:campaign", args=[campaign.pk])
    draft = page(client, "campaign", campaign.pk)
    assert "What it would do" in draft
    assert "of 2 selected; 0 online now" in draft
    assert "Asked for" in act(client, campaign, "start")
    assert "waits for a second person" in page(client, "campaign", campaign.pk)
    approvals.approve(Approval.objects.get(), by=approver, at=NOON)
    worked(campaign)
    key_changes.issue(KeyChange.objects.get(meter=first), by=None, at=NOON)
    key_changes.mark_entered(
        KeyChange.objects.get(meter=first), evidence="person", by=None, at=NOON
    )
    shown = page(client, "campaign", campaign.pk)
    assert "1 <small>of 2</small>" in shown
    assert "50 %" in shown
    only = page(client, "campaign", campaign.pk, stage="prepared")
    assert second.drn in only
    assert first.drn not in only
    assert "Confirmed" in page(client, "standing", campaign.pk)
    assert campaign.name in page(client, "list")
    answer = client.get(reverse("campaigns:report", args=[campaign.pk]))
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert lines[0].startswith("meter,sgc,stage")
    assert [line.split(",")[2] for line in lines[1:]] == ["confirmed", "prepared"]


def test_paused_resumed_stopped_each_with_a_reason(client, approver):
    meters(1)
    client.post(reverse("campaigns:new"), PLAN)
    campaign = Campaign.objects.get()
    act(client, campaign, "start")
    approvals.approve(Approval.objects.get(), by=approver, at=NOON)
    assert "Say the reason" in act(client, campaign, "pause")
    assert "Paused" in act(client, campaign, "pause", "holiday")
    assert "It goes on" in act(client, campaign, "resume", "back")
    assert "is running" in act(client, campaign, "resume", "again")
    assert "Stopped" in act(client, campaign, "stop", "wrong group")
    address = reverse("campaigns:act", args=[campaign.pk])
    assert client.post(address, {"act": "explode", "reason": "x"}).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sgc": ""}, "A supply group, or meter numbers below."),
        ({"sgc": "12"}, "Six digits."),
        ({"new_krn": ""}, "Say what the new key differs in."),
        ({"numbers": "04999999991"}, "04999999991"),
        ({"name": ""}, "required"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_beside_the_field(client, wrong, told):
    answer = client.post(reverse("campaigns:new"), PLAN | wrong)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Campaign.objects.exists()


def test_a_key_that_is_missing_is_told_before_anybody_is_asked(client):
    meters(1)
    client.post(reverse("campaigns:new"), PLAN | {"new_krn": 5})
    shown = page(client, "campaign", Campaign.objects.get().pk)
    assert "No usable vending key of SGC 201457 KT 2 KRN 5" in shown
    assert "would change no meter" in act(client, Campaign.objects.get(), "start")


def test_a_list_of_meters_is_enough(client):
    meter = meters(2)[0]
    client.post(reverse("campaigns:new"), PLAN | {"sgc": "", "numbers": f"{meter.drn}\n"})
    assert "of 1 selected" in page(client, "campaign", Campaign.objects.get().pk)


@pytest.mark.parametrize("group", ["cashier", "vendor manager"])
def test_others_see_nothing(log_in, group):
    client = log_in(group)
    assert client.get(reverse("campaigns:list")).status_code == 403
    assert client.get(reverse("campaigns:new")).status_code == 403


def test_an_auditor_looks_and_plans_nothing(log_in):
    client = log_in("auditor")
    assert client.get(reverse("campaigns:list")).status_code == 200
    assert client.get(reverse("campaigns:new")).status_code == 403
