"""The meter pages: what they show when all, little or nothing is known, and their commands."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headend.accounts.models import Approval
from headend.config.opaque import id_of
from headend.fleet import wording
from headend.fleet.delivery import State
from headend.fleet.forms import ReasonForm
from headend.fleet.models import Command, Event, MeterLink, MeterState, Reading
from headend.fleet.orders import ORDERS
from headend.testing import NOON, make_meter, make_supply
from shared.wire import codes

pytestmark = pytest.mark.django_db

# Orders that ask for nothing but a reason.
PLAIN = [slug for slug, order in ORDERS.items() if order.form is ReasonForm]


@pytest.fixture
def meter():
    return make_supply().meter


@pytest.fixture
def engineer(log_in):
    return log_in("engineer")


def report(meter, *, online=True, **told):
    """Have the head-end know a state of the meter, told ten seconds before noon."""
    at = NOON - timedelta(seconds=10)
    MeterLink.objects.create(meter=meter, online=online, last_heard_at=at, online_changed_at=at)
    content = {"credit_status": told.pop("credit_status", codes.IN_CREDIT), "power_w": 1840}
    known = {
        "payment_mode": codes.PREPAYMENT,
        "credit_wh": 23_460,
        "relay_closed": True,
        "open_reasons": [],
        "clock_quality": "set",
        "account_status": "active",
    }
    MeterState.objects.create(
        meter=meter,
        received_at=at,
        boot=3,
        revision=1,
        boot_nonce="n",
        last_boot=3,
        last_seq=1,
        last_command_number=0,
        content=content,
        **(known | told),
    )


def text_of(answer):
    return " ".join(answer.content.decode().replace("&#x27;", "'").split())


def page_of(client, meter, query=""):
    return text_of(client.get(f"/meters/{meter.drn}/{query}"))


def test_a_meter_that_never_reported_is_not_guessed_at(engineer, meter):
    page = page_of(engineer, meter)
    assert "never reported" in page
    assert "No readings yet" in page
    assert "Nothing has been asked of this meter yet" in page
    assert "The meter has reported no events" in page


def test_the_page_shows_what_the_meter_told_and_how_long_ago(engineer, meter):
    report(meter)
    page = page_of(engineer, meter)
    assert '23.5 <small>kWh</small></dd> <dd class="under">as told <time' in page
    assert "10 s ago" in page
    assert "the load is on" in page
    assert "1840 <small>W</small>" in page


def test_every_reason_for_an_open_switch_is_given_in_words(engineer, meter):
    report(meter, relay_closed=False, open_reasons=list(codes.OPEN_REASONS))
    page = page_of(engineer, meter)
    assert "the load is off: no credit, disconnected by command, too much power drawn" in page
    for name in codes.OPEN_REASONS:
        assert "_" not in name or name not in page


def test_intent_and_actual_mode_are_both_shown(engineer, meter):
    report(meter)
    assert "as intended" in page_of(engineer, meter)
    meter.intended_payment_mode = codes.POSTPAYMENT
    meter.save()
    assert "intended: postpayment, not yet taken up" in page_of(engineer, meter)


def test_an_offline_meter_is_said_to_be(engineer, meter):
    report(meter, online=False)
    page = page_of(engineer, meter)
    assert "The meter is offline" in page
    assert "last words" in page


def test_charts_show_readings_and_their_table(engineer, meter):
    for hour, energy_wh in enumerate((1000, 1500, 1500, 2750)):
        Reading.objects.create(
            meter=meter,
            boot=1,
            seq=hour,
            interval_end=NOON + timedelta(hours=hour),
            received_at=NOON,
            energy_wh=energy_wh,
            credit_wh=9000 - energy_wh,
        )
    page = page_of(engineer, meter)
    assert "<title>2026-11-21 16:00: 1.3 kWh used</title>" in page
    assert '<td class="number">1.3</td><td class="number">6.3</td>' in page
    for period in ("hour", "week", "month", "nonsense"):
        part = engineer.get(f"/meters/{meter.drn}/usage/", {"period": period})
        assert part.status_code == 200
        assert "<svg" in text_of(part)


def test_events_have_names_and_details(engineer, meter):
    Event.objects.create(
        meter=meter, boot=1, seq=1, code=codes.EVENT_LOW_CREDIT, received_at=NOON,
        occurred_at=NOON, detail={"credit_wh": 4990},
    )  # fmt: skip
    Event.objects.create(meter=meter, boot=1, seq=2, code=999, received_at=NOON)
    page = page_of(engineer, meter)
    assert 'Low credit</strong><span class="small">credit 5.0 kWh' in page
    assert "Event 999" in page
    assert "time not known" in page


@pytest.mark.parametrize("slug", PLAIN)
def test_a_command_is_confirmed_then_queued(engineer, meter, slug):
    order = ORDERS[slug]
    address = f"/meters/{meter.drn}/orders/{slug}/"
    page = text_of(engineer.get(address))
    for sentence in (*order.consequences, meter.drn, "Nomsa Dube"):
        assert sentence in page
    assert Command.objects.count() == 0
    answer = engineer.post(address, {"reason": "asked by phone"})
    assert answer.headers["Location"] == f"/meters/{meter.drn}/"
    command = Command.objects.get()
    assert (command.command, command.arguments) == (order.command, order.arguments(NOON, {}))
    assert (command.requested_by, command.reason) == (engineer.user, "asked by phone")
    page = page_of(engineer, meter)
    assert f"<strong>{order.title}</strong>" in page
    assert "asked by phone" in page


def test_only_a_switch_to_the_other_mode_is_offered_once_the_meter_is_as_intended(engineer, meter):
    def offered():
        found = engineer.get(f"/meters/{meter.drn}/").context["orders"]
        return [order.slug for order in found if order.is_mode]

    assert offered() == ["postpayment", "prepayment"]
    report(meter)
    assert offered() == ["postpayment"]
    engineer.post(f"/meters/{meter.drn}/orders/postpayment/", {"reason": "contract"})
    assert offered() == ["postpayment", "prepayment"]


def test_switching_the_mode_records_the_intent(engineer, meter):
    engineer.post(f"/meters/{meter.drn}/orders/postpayment/", {"reason": "contract"})
    meter.refresh_from_db()
    assert meter.intended_payment_mode == codes.POSTPAYMENT


@pytest.mark.parametrize(
    "slug", ["disconnect", "postpayment", "prepayment", "close-account", "clear-tamper"]
)
def test_what_takes_something_from_the_customer_needs_a_reason(engineer, meter, slug):
    answer = engineer.post(f"/meters/{meter.drn}/orders/{slug}/", {"reason": " "})
    assert answer.status_code == 422
    assert "Write why" in text_of(answer)
    assert Command.objects.count() == 0


def test_an_adjustment_is_asked_for_approved_and_queued(engineer, log_in, meter):
    address = f"/meters/{meter.drn}/orders/adjust-credit/"
    assert "before a second person has approved it" in text_of(engineer.get(address))
    asked = {"direction": "take", "energy_wh": "2,5", "reason": "credited twice"}
    answer = engineer.post(address, asked, follow=True)
    assert "somebody else has to approve it" in text_of(answer)
    assert Command.objects.count() == 0
    approver = log_in("approver")
    page = page_of(approver, meter)
    assert "Waits for a second person" in page
    assert f"Take 2.5 kWh from the credit of meter {meter.drn}" in page
    (waiting,) = approver.get(f"/meters/{meter.drn}/").context["waiting"]
    approver.post(f"/approvals/{id_of(waiting)}/", {"decision": "approve"})
    command = Command.objects.get()
    assert (command.arguments, command.reason) == ({"amount_wh": -2500}, "credited twice")
    page = page_of(engineer, meter)
    assert "Waits for a second person" not in page
    assert "<strong>Adjust the credit: amount −2.5 kWh</strong>" in page


@pytest.mark.parametrize("energy", ["", "0", "x", "1000000.1", "-5", "1.25"])
def test_what_is_no_energy_adjusts_nothing(engineer, meter, energy):
    asked = {"direction": "add", "energy_wh": energy, "reason": "because"}
    answer = engineer.post(f"/meters/{meter.drn}/orders/adjust-credit/", asked)
    assert answer.status_code == 422
    assert answer.context["form"].errors["energy_wh"]
    assert Approval.objects.count() == 0


def test_a_message_is_laid_out_in_two_rows(engineer, meter):
    address = f"/meters/{meter.drn}/orders/message/"
    asked = {"first": "No supply", "second": "Sunday 8 to 12", "days": "2"}
    engineer.post(address, asked)
    command = Command.objects.get()
    assert command.arguments == {
        "text": "No supply       Sunday 8 to 12",
        "until": int((NOON + timedelta(days=2)).timestamp()),
    }
    page = page_of(engineer, meter)
    assert "Show a message: text No supply Sunday 8 to 12, until 2026-11-23 12:00 UTC" in page
    engineer.post(address, {"first": "", "second": "", "days": "1"})
    assert Command.objects.get(state=State.PENDING).arguments["text"] == ""
    for wrong in ({"first": "ñ"}, {"first": "x" * 17}, {"days": "0"}):
        assert engineer.post(address, asked | wrong).status_code == 422


def test_a_closed_account_is_said_to_be_and_cannot_be_closed_again(engineer, meter):
    report(meter, credit_wh=0, account_status="closed")
    page = page_of(engineer, meter)
    assert "the account is closed" in page
    assert "orders/close-account/" not in page


def test_sending_a_confirmation_twice_queues_one_command(engineer, meter):
    for _ in range(2):
        engineer.post(f"/meters/{meter.drn}/orders/disconnect/", {"reason": "fire"})
    assert Command.objects.count() == 1


@pytest.mark.parametrize("group", ["cashier", "auditor"])
def test_who_may_only_look_sees_no_orders_and_can_give_none(log_in, meter, group):
    client = log_in(group)
    assert "Order something" not in page_of(client, meter)
    address = f"/meters/{meter.drn}/orders/disconnect/"
    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "because"}).status_code == 403
    assert Command.objects.count() == 0


def test_there_are_no_other_orders(engineer, meter):
    assert engineer.get(f"/meters/{meter.drn}/orders/explode/").status_code == 404


def test_a_waiting_command_can_be_called_back_and_a_sent_one_not(engineer, meter):
    engineer.post(f"/meters/{meter.drn}/orders/ping/")
    command = Command.objects.get()
    address = f"/meters/{meter.drn}/commands/{command.public_id}/cancel/"
    assert address in page_of(engineer, meter)
    assert "Call back" in text_of(engineer.get(address))
    Command.objects.update(state=State.PUBLISHED, number=1)
    assert "may have reached meter" in text_of(engineer.post(address, follow=True))
    Command.objects.update(state=State.PENDING, number=None)
    engineer.post(address)
    assert Command.objects.get().state == State.CANCELLED
    assert address not in page_of(engineer, meter)


def test_a_command_of_another_meter_is_not_found(engineer, meter):
    engineer.post(f"/meters/{meter.drn}/orders/ping/")
    other = make_meter()
    address = f"/meters/{other.drn}/commands/{Command.objects.get().public_id}/cancel/"
    assert engineer.post(address).status_code == 404


def test_a_token_in_the_history_shows_only_its_end(engineer, meter):
    Command.objects.create(
        meter=meter,
        command="token",
        arguments={"digits": "12345678901234567890"},
        created_at=NOON,
    )
    page = page_of(engineer, meter)
    assert "Token …7890" in page
    assert "1234 5678" not in page


def test_the_list_filters_and_searches(engineer, meter):
    report(meter, online=False, relay_closed=False, credit_status=codes.OUT_OF_CREDIT)
    other = make_supply().meter
    report(other, payment_mode=codes.POSTPAYMENT)
    silent = make_meter()

    def listed(**filters):
        return [one.drn for one in engineer.get("/meters/", filters).context["page"]]

    everything = sorted([meter.drn, other.drn, silent.drn])
    assert listed() == listed(only="nonsense") == everything
    assert listed(only="online") == [other.drn]
    assert listed(only="offline") == sorted([meter.drn, silent.drn])
    assert listed(only="open") == listed(only="low") == [meter.drn]
    assert listed(only="postpayment") == [other.drn]
    assert listed(q="nomsa", only="open") == [meter.drn]
    assert listed(q=silent.drn) == [silent.drn]
    assert "No meter matches" in text_of(engineer.get("/meters/", {"q": "zzz"}))


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    engineer, meter, django_assert_num_queries
):
    engineer.get("/meters/")
    with CaptureQueriesContext(connection) as for_one:
        engineer.get("/meters/")
    for _ in range(3):
        report(make_supply().meter)
    with django_assert_num_queries(len(for_one)):
        engineer.get("/meters/")


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"credit_wh": 4990, "tid": 6779474}, "credit 5.0 kWh, tid 6779474"),
        ({"open_reasons": 3}, "load off: no credit, disconnected by command"),
        ({"open_reasons": 0}, "load on"),
        ({"1.8.0": 12_340, "power_w": 40}, "total energy 12.3 kWh, power 40 W"),
        ({"step_s": -3, "origin": "keypad"}, "step -3 s, origin keypad"),
        ({"power_w": None}, "power w None"),
        ({"tid": 0, "credit_wh": 4990, "credited_wh": 0}, "credit 5.0 kWh"),
        ({"status": 10, "tid": 0}, "this token was used before"),
        ({"n": 4, "status": 102}, "n 4, bad arguments"),
    ],
)
def test_details_are_put_in_words_with_their_units(detail, words):
    assert wording.details(detail) == words
