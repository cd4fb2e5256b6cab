"""What meters tell, as programs read it; and one token."""

from datetime import timedelta

import pytest

from headend.accounts.services import console_user
from headend.config.opaque import id_of
from headend.fleet.models import Event, MeterLink, MeterState, Reading
from headend.testing import NOON, make_supply
from headend.vending.models import IssuedToken
from headend.vendors.services import add_operator
from headend.vendors.tests.conftest import Shop
from shared.wire import codes

HOUR = timedelta(hours=1)


def tell_reading(meter, seq, end, **told):
    registers = {"1.8.0": 1_000 * seq, **told.pop("registers", {})}
    return Reading.objects.create(
        meter=meter, boot=1, seq=seq, interval_end=end, received_at=NOON,
        registers=registers, energy_wh=registers["1.8.0"], **told,
    )  # fmt: skip


def tell_event(meter, seq, code, **told):
    return Event.objects.create(
        meter=meter, boot=1, seq=seq, code=code, received_at=NOON + seq * HOUR, **told
    )


def test_readings_are_listed_by_time_with_their_registers_named(program, supply):
    caller = program("meters:readings")
    tell_reading(supply.meter, 1, NOON, credit_wh=-20, power_w=450, voltage_mv=230_123)
    tell_reading(make_supply().meter, 1, NOON)
    (told,) = caller.get(f"/meters/{supply.meter.drn}/readings").json()["items"]
    assert (told["credit_wh"], told["clock_was_set"]) == (-20, True)
    assert told["interval_end"] == "2026-11-21T12:00:00Z"
    assert [tuple(one.values()) for one in told["registers"]] == [
        ("1-0:1.8.0", "active energy import, total", 1_000, 0, "Wh"),
        ("1-0:1.7.0", "active power import", 450, 0, "W"),
        ("1-0:32.7.0", "voltage, phase L1", 230_123, -3, "V"),
    ]


def test_readings_that_came_late_are_listed_where_they_belong_page_by_page(program, supply):
    caller, address = program("meters:readings"), f"/meters/{supply.meter.drn}/readings"
    hours = [2, 5, 3, 1, 4, 3]  # the order in which they came
    rows = [tell_reading(supply.meter, n, NOON + hour * HOUR) for n, hour in enumerate(hours, 1)]
    seen: list[str] = []
    page = caller.get(address, limit=2).json()
    while True:
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        page = caller.get(address, limit=2, cursor=page["next"]).json()
    assert seen == [id_of(rows[n]) for n in (1, 4, 5, 2, 0, 3)]
    inside = {"since": (NOON + 2 * HOUR).isoformat(), "until": (NOON + 4 * HOUR).isoformat()}
    found = caller.get(address, **inside).json()["items"]
    assert [one["id"] for one in found] == [id_of(rows[n]) for n in (5, 2, 0)]


def test_a_page_after_a_reading_that_is_not_kept_any_more_is_refused(program, supply, code):
    caller, address = program("meters:readings"), f"/meters/{supply.meter.drn}/readings"
    for seq in (1, 2, 3):
        tell_reading(supply.meter, seq, NOON + seq * HOUR)
    cursor = caller.get(address, limit=1).json()["next"]
    Reading.objects.all().delete()
    answer = caller.get(address, cursor=cursor)
    assert (answer.status_code, code(answer)) == (404, "not_found")


def test_a_meter_that_never_told_how_it_stands_has_no_state(program, supply):
    told = program("meters:readings").get(f"/meters/{supply.meter.drn}/state").json()
    assert told == {
        "meter": supply.meter.drn, "online": False, "last_heard_at": None, "state": None,
    }  # fmt: skip


def test_the_last_state_tells_credit_switch_and_mode(program, supply):
    MeterLink.objects.create(meter=supply.meter, online=True, last_heard_at=NOON)
    MeterState.objects.create(
        meter=supply.meter, received_at=NOON, boot=1, revision=1, clock_quality="set",
        payment_mode="prepayment", account_status="active", credit_wh=0, relay_closed=False,
        open_reasons=["no_credit"], last_boot=1, last_seq=1, last_command_number=0,
        content={"credit_status": "out_of_credit", "energy_wh": 88_000, "power_w": 0, "krn": 1},
    )  # fmt: skip
    told = program("meters:readings").get(f"/meters/{supply.meter.drn}/state").json()
    assert (told["online"], told["last_heard_at"]) == (True, "2026-11-21T12:00:00Z")
    state = told["state"]
    assert (state["credit_wh"], state["credit_status"]) == (0, "out_of_credit")
    assert (state["load_switch"], state["open_reasons"]) == ("disconnected", ["no_credit"])
    assert (state["payment_mode"], state["account_status"]) == ("prepayment", "active")
    assert [(one["obis"], one["value"]) for one in state["registers"]] == [
        ("1-0:1.8.0", 88_000), ("1-0:1.7.0", 0),
    ]  # fmt: skip
    assert (state["krn"], state["firmware"]) == (1, None)


def test_events_are_listed_with_names_and_suspicion(program, supply):
    caller, address = program("meters:readings"), f"/meters/{supply.meter.drn}/events"
    tell_event(supply.meter, 1, codes.EVENT_LOW_CREDIT, detail={"credit_wh": 900})
    tell_event(supply.meter, 2, codes.EVENT_COVER_OPENED, occurred_at=NOON)
    opened, low = caller.get(address).json()["items"]
    assert (low["name"], low["is_suspicious"], low["detail"]) == (
        "low credit", False, {"credit_wh": 900},
    )  # fmt: skip
    assert (opened["name"], opened["is_suspicious"]) == ("cover opened", True)
    assert opened["occurred_at"] == "2026-11-21T12:00:00Z"
    first = caller.get(address, limit=1).json()
    assert first["items"] == [opened]
    assert caller.get(address, cursor=first["next"]).json()["items"] == [low]
    assert caller.get(address, until=(NOON + 2 * HOUR).isoformat()).json()["items"] == [low]


def test_why_a_load_switch_opened_is_told_by_names(program, supply):
    tell_event(supply.meter, 1, codes.EVENT_SWITCH_OPENED, detail={"open_reasons": 1})
    (told,) = program().get(f"/meters/{supply.meter.drn}/events").json()["items"]
    assert told["detail"] == {"open_reasons": ["no_credit"]}


@pytest.mark.parametrize("what", ["state", "readings", "events"])
def test_what_meters_tell_is_the_utilitys_to_read(program, supply, code, what):
    address = f"/meters/{supply.meter.drn}/{what}"
    assert code(program("meters:read").get(address)) == "scope_missing"
    agent = program("meters:readings", name="agent")
    add_operator(Shop().vendor, agent.key.program, by=console_user(), at=NOON)
    assert code(agent.get(address)) == "not_permitted"


def test_one_token_is_read_by_its_id_and_a_vendors_program_reads_its_own(program, supply, code):
    caller = program()
    body = {"message_id": "1", "meter": supply.meter.drn, "tender_minor": 5_000}
    (sold,) = caller.post("/vend", body).json()["tokens"]
    assert caller.get(f"/tokens/{sold['id']}").json() == sold
    assert code(caller.get(f"/tokens/{id_of(supply)}")) == "id_of_other_kind"
    assert code(caller.get(f"/tokens/{id_of(IssuedToken(pk=999))}")) == "not_found"
    assert code(program("sales:read").get(f"/tokens/{sold['id']}")) == "scope_missing"
    assert caller.get("/tokens", since=NOON.isoformat()).json()["items"] == [sold]
    assert caller.get("/tokens", until=NOON.isoformat()).json()["items"] == []
    agent = program("tokens:read", name="agent")
    add_operator(Shop().vendor, agent.key.program, by=console_user(), at=NOON)
    assert code(agent.get(f"/tokens/{sold['id']}")) == "not_found"
    assert agent.get("/tokens").json()["items"] == []
