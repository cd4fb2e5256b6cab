"""Key campaigns over HTTP: a program plans and watches, a person starts."""

from __future__ import annotations

import pytest

from headend.accounts import approvals
from headend.accounts.models import Approval
from headend.accounts.services import console_user, create_user
from headend.campaigns import running
from headend.campaigns.models import Campaign
from headend.securitymodule.services import DEMONSTRATION_SGC, load_demonstration_keys
from headend.testing import NOON
from headend.vending.tests.key_meters import load_key

PLAN = {
    "message_id": "c-1",
    "name": "revision 2",
    "changes": {"krn": 2},
    "meters": {"sgc": DEMONSTRATION_SGC},
    "reason": "the old key is ten years old",
}


@pytest.fixture
def keys(db: None) -> None:
    load_demonstration_keys(by=console_user(), at=NOON)
    load_key()


def test_a_campaign_from_plan_to_report(program, supply, keys, code):
    caller = program("campaigns", "approvals")
    made = caller.post("/campaigns", PLAN).json()
    assert caller.post("/campaigns", PLAN).json() == made
    assert (made["state"], made["changes"]) == ("draft", {"krn": 2})
    address = f"/campaigns/{made['id']}"
    tried = caller.get(f"{address}/dry-run").json()
    assert (tried["selected"], tried["to_change"], tried["problems"]) == (1, 1, {})
    asked = caller.post(f"{address}/start", {"message_id": "c-2"}).json()
    assert asked["state"] == "open"
    assert caller.get(address).json()["state"] == "draft"
    approver = create_user(username="second", password=None, groups=("approver",))
    approvals.approve(Approval.objects.get(), approver, NOON)
    assert caller.get(f"/approvals/{asked['id']}").json()["target_id"] == made["id"]
    campaign = Campaign.objects.get()
    while not running.advance(campaign, at=NOON).is_nothing:
        pass
    (group,) = caller.get(address).json()["groups"]
    assert group["stages"]["prepared"] == 1
    (row,) = caller.get(f"{address}/meters", stage="prepared").json()["items"]
    assert (row["meter"], row["failure"]) == (supply.meter.drn, "")
    assert caller.get(f"{address}/meters", stage="failed").json()["items"] == []
    step = {"reason": "summer"}
    paused = caller.post(f"{address}/pause", step | {"message_id": "c-3"}).json()
    assert paused["state"] == "paused"
    answer = caller.post(f"{address}/pause", step | {"message_id": "c-4"})
    assert code(answer) == "campaign_state"
    for message_id, act, state in (
        ("c-5", "retry", "paused"),
        ("c-6", "resume", "running"),
        ("c-7", "stop", "stopped"),
    ):
        done = caller.post(f"{address}/{act}", step | {"message_id": message_id}).json()
        assert done["state"] == state
    assert [one["state"] for one in caller.get("/campaigns").json()["items"]] == ["stopped"]


@pytest.mark.parametrize("fault", [{"changes": {}}, {"meters": {}}, {"name": " "}])
def test_a_campaign_that_changes_nothing_or_nobody_is_refused(program, fault, code):
    answer = program().post("/campaigns", PLAN | fault)
    assert (answer.status_code, code(answer)) == (422, "campaign_invalid")


def test_only_a_key_with_the_scope_sees_campaigns(program, code):
    assert code(program("meters:read").get("/campaigns")) == "scope_missing"
