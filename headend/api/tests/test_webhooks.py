"""A program keeps its own webhooks through the API."""

from __future__ import annotations

import pytest

from headend.webhooks.models import Delivery, Subscription

WANTED = {
    "name": "sales to the CRM",
    "url": "https://receiver.example/hook",
    "kinds": ["sale.made", "debt.paid_off"],
}


def test_a_program_subscribes_and_sees_its_secret_once(program):
    caller = program()
    made = caller.post("/webhooks", WANTED).json()
    assert made["secret"].startswith("whsec_")
    read = caller.get(f"/webhooks/{made['id']}").json()
    assert "secret" not in read
    assert read["kinds"] == ["debt.paid_off", "sale.made"]
    assert caller.get("/webhooks").json()["items"] == [read]


def test_another_program_has_no_such_webhook(program, code):
    made = program().post("/webhooks", WANTED).json()
    other = program(name="other")
    assert other.get("/webhooks").json()["items"] == []
    for answer in (
        other.get(f"/webhooks/{made['id']}"),
        other.post(f"/webhooks/{made['id']}/secret", {}),
        other.post(f"/webhooks/{made['id']}/replay", {}),
    ):
        assert (answer.status_code, code(answer)) == (404, "not_found")


def test_it_is_told_only_what_its_keys_may_read(program, code):
    caller = program("webhooks", "sales:read")
    answer = caller.post("/webhooks", WANTED)
    assert (answer.status_code, code(answer)) == (403, "not_permitted")
    assert caller.post("/webhooks", WANTED | {"kinds": ["sale.made"]}).status_code == 200
    assert Subscription.objects.count() == 1


@pytest.mark.parametrize(
    "fault",
    [{"url": "http://receiver.example/"}, {"kinds": ["no.such"]}, {"url": "https://a@b/"}],
)
def test_an_impossible_webhook_is_refused(program, code, fault):
    answer = program().post("/webhooks", WANTED | fault)
    assert (answer.status_code, code(answer)) == (422, "webhook_invalid")


def test_its_life_from_change_to_end(program, code):
    caller = program()
    made = caller.post("/webhooks", WANTED).json()
    address = f"/webhooks/{made['id']}"
    put = caller.put
    assert put(address, WANTED | {"name": "other"}).json()["name"] == "other"
    for state in ("paused", "paused", "active"):
        assert put(f"{address}/state", {"state": state}).json()["state"] == state
    new = caller.post(f"{address}/secret", {}).json()
    assert new["secret"] != made["secret"]
    assert new["old_secret_until"]
    test = caller.post(f"{address}/test", {}).json()
    assert caller.get(f"{address}/deliveries").json()["items"] == [test]
    Delivery.objects.update(state=Delivery.State.DEAD)
    for body in ({}, {"event_id": test["event_id"]}, {"since": "2026-11-01T00:00:00Z"}):
        Delivery.objects.update(state=Delivery.State.DEAD)
        assert caller.post(f"{address}/replay", body).json() == {"queued": 1}
    assert caller.post(f"{address}/replay", {"event_id": "evt_0"}).json() == {"queued": 0}
    assert put(f"{address}/state", {"state": "ended"}).json()["state"] == "ended"
    assert code(caller.post(f"{address}/test", {})) == "webhook_ended"
