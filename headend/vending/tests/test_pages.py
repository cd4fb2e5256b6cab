"""The list of sales and the page of one sale: filters, copies, delivery."""

from datetime import timedelta

import pytest

from headend.customers.models import Customer
from headend.fleet.delivery import State
from headend.fleet.models import Command
from headend.testing import NOON, make_supply
from headend.vending import services
from headend.vending.models import ReceiptCopy, Sale
from shared.sts import result

pytestmark = pytest.mark.django_db


@pytest.fixture
def cashier(log_in):
    return log_in("cashier")


@pytest.fixture
def sell(cashier):
    """Sell through the service: `sell(tender_minor, hours after noon)`."""
    supply = make_supply()

    def sell(tender_minor=5000, *, hours=0, supply=supply, operator=None):
        return services.vend(
            caller="test",
            message_id=f"{tender_minor}-{hours}",
            meter=supply.meter,
            tender_minor=tender_minor,
            operator=operator or cashier.user,
            at=NOON + timedelta(hours=hours),
        )

    return sell


def listed(client, **filters):
    return [sale.tender_minor for sale in client.get("/sales/", filters).context["page"]]


def page_of(client, sale, query=""):
    return client.get(f"/sales/{sale.receipt_number}/{query}")


def set_state(command, state, status=None):
    Command.objects.filter(pk=command.pk).update(state=state, status=status, number=1)


def test_the_list_is_newest_first_with_totals(cashier, sell):
    for hours in range(3):
        sell(5000 + hours, hours=hours)
    page = cashier.get("/sales/")
    assert [sale.tender_minor for sale in page.context["page"]] == [5002, 5001, 5000]
    assert page.context["totals"].tender_minor == 15003
    assert page.context["totals"].count == 3


def test_a_list_that_is_too_long_is_added_up_only_where_it_was_narrowed(
    cashier, sell, monkeypatch
):
    monkeypatch.setattr("headend.design.paging.MOST_SHOWN", 2)
    for hours in range(3):
        sell(5000 + hours, hours=hours)
    page = cashier.get("/sales/")
    assert [sale.tender_minor for sale in page.context["page"]] == [5002, 5001]
    assert "More than 2 sales; choose days" in page.content.decode()
    narrowed = cashier.get("/sales/", {"first_day": NOON.date().isoformat()})
    assert narrowed.context["totals"].count == 3


def test_no_sales_yet_and_no_match_say_different_things(cashier, sell):
    assert "No sales yet" in cashier.get("/sales/").content.decode()
    sell()
    assert "No sale matches" in cashier.get("/sales/", {"q": "zzz"}).content.decode()


def test_a_sale_is_found_by_anything_on_its_receipt(cashier, sell):
    sale = sell(5000)
    sell(7000, supply=make_supply())
    Customer.objects.filter(pk=sale.agreement.customer_id).update(
        name="Wanted", phone="0825550101"
    )
    digits = sale.tokens.get().digits
    grouped = " ".join(digits[at : at + 4] for at in range(0, 20, 4))
    for text in (
        sale.receipt_number,
        sale.receipt_number[:9].lower(),
        digits,
        grouped,
        sale.meter.drn,
        "wanted",
        "555 0101",
    ):
        assert listed(cashier, q=text) == [5000], text


def test_days_are_local_and_both_ends_count(cashier, sell):
    # Local time is two hours ahead of UTC: 22:00 UTC is the next day's midnight.
    sell(5000, hours=9)
    sell(6000, hours=10)
    assert listed(cashier, first_day="2026-11-21", last_day="2026-11-21") == [5000]
    assert listed(cashier, first_day="2026-11-22") == [6000]
    assert listed(cashier, last_day="2026-11-22") == [6000, 5000]


def test_a_date_that_cannot_be_read_is_named_and_left_out(cashier, sell):
    sell()
    answer = cashier.get("/sales/", {"first_day": "yesterday"})
    assert "Enter a valid date" in answer.content.decode()
    assert len(answer.context["page"]) == 1


def test_sales_are_filtered_by_delivery_and_by_operator(cashier, log_in, sell):
    other = log_in("utility administrator")
    sell(5000)
    sent = sell(6000, hours=1, operator=other.user)
    (command,) = services.send_to_meter(sale=sent, by=other.user, at=NOON)
    assert listed(cashier, delivery="not sent") == [5000]
    assert listed(cashier, delivery="under way") == [6000]
    set_state(command, State.REJECTED, result.CRC_ERROR)
    assert listed(cashier, delivery="failed") == [6000]
    assert listed(cashier, mine="on") == [5000]


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    cashier, sell, django_assert_num_queries
):
    sell()
    cashier.get("/sales/")
    with django_assert_num_queries(7):
        cashier.get("/sales/")
    for hours in range(1, 5):
        sell(hours=hours)
    with django_assert_num_queries(7):
        cashier.get("/sales/")


def test_delivery_is_shown_in_words_until_the_meter_has_answered(cashier, sell):
    sale = sell()
    assert "Not sent: the customer types the token" in page_of(cashier, sale).content.decode()
    cashier.post(f"/sales/{sale.receipt_number}/send/")
    command = Command.objects.get()
    for state, sentence in (
        (State.PENDING, "Waiting to be prepared"),
        (State.PUBLISHED, "Sent, not yet confirmed by the meter"),
        (State.RECEIVED, "The meter has it"),
    ):
        set_state(command, state)
        part = cashier.get(f"/sales/{sale.receipt_number}/delivery/").content.decode()
        assert sentence in part
        assert 'hx-trigger="every' in part
        assert "<button" not in part
    set_state(command, State.ACCEPTED, result.ACCEPT)
    part = cashier.get(f"/sales/{sale.receipt_number}/delivery/").content.decode()
    assert "Accepted by the meter" in part
    assert "hx-trigger" not in part
    assert "<button" not in part


def test_a_refusal_tells_the_meters_reason_and_offers_to_send_again(cashier, sell):
    sale = sell()
    cashier.post(f"/sales/{sale.receipt_number}/send/")
    set_state(Command.objects.get(), State.REJECTED, result.LOCKOUT_ERROR)
    page = page_of(cashier, sale).content.decode()
    assert "The meter refused it: refused: locked" not in page
    assert "locked for a while after wrong tokens" in page
    assert "Send again" in page
    cashier.post(f"/sales/{sale.receipt_number}/send/")
    assert Command.objects.count() == 2


def test_sending_twice_queues_one_command(cashier, sell):
    sale = sell()
    for _ in range(2):
        answer = cashier.post(
            f"/sales/{sale.receipt_number}/send/", headers={"HX-Request": "true"}
        )
        assert "Waiting to be prepared" in answer.content.decode()
    assert Command.objects.count() == 1


def test_who_may_not_send_is_told_so_and_nothing_is_queued(log_in, sell):
    sale = sell()
    auditor = log_in("auditor")
    assert "Send to meter" not in page_of(auditor, sale).content.decode()
    auditor.post(f"/sales/{sale.receipt_number}/send/")
    assert "lacks the permission fleet.send_token" in page_of(auditor, sale).content.decode()
    assert Command.objects.count() == 0


def test_the_original_prints_once_sold_and_only_for_who_sold_it(cashier, log_in, sell):
    sale = sell()
    assert "data-print" not in page_of(cashier, sale).content.decode()
    session = cashier.session
    session["just_sold"] = sale.receipt_number
    session.save()
    page = page_of(cashier, sale, "?sold").content.decode()
    assert "data-print" in page
    assert "Sold: 17.3 kWh" in page
    text = page_of(cashier, sale, "text/?paper=58").content.decode()
    assert "keypad, then press #." in text
    assert "COPY" not in text
    assert "data-print" not in page_of(log_in("auditor"), sale).content.decode()


def test_a_copy_is_counted_marked_and_belongs_to_who_made_it(cashier, log_in, sell):
    sale = sell()
    for number in (1, 2):
        answer = cashier.post(f"/sales/{sale.receipt_number}/copy/")
        assert f"?copy={number}#" in answer.headers["Location"]
    assert ReceiptCopy.objects.count() == 2
    page = page_of(cashier, sale, "?copy=2").content.decode()
    assert "COPY 2" in page
    assert "data-print" in page
    assert "COPY 2" in page_of(cashier, sale, "text/?copy=2").content.decode()
    for query in ("?copy=3", "?copy=x", "?copy=٢"):
        assert "data-print" not in page_of(cashier, sale, query).content.decode()
    assert "COPY" not in page_of(log_in("auditor"), sale, "?copy=2").content.decode()


def test_text_without_a_copy_leads_back_to_the_page(cashier, sell):
    sale = sell()
    answer = page_of(cashier, sale, "text/")
    assert answer.headers["Location"] == f"/sales/{sale.receipt_number}/"


def test_an_auditor_may_not_make_copies(log_in, sell):
    sale = sell()
    log_in("auditor").post(f"/sales/{sale.receipt_number}/copy/")
    assert ReceiptCopy.objects.count() == 0


def test_acts_are_not_done_by_looking(cashier, sell):
    sale = sell()
    for act in ("send", "copy"):
        assert cashier.get(f"/sales/{sale.receipt_number}/{act}/").status_code == 405
    assert Sale.objects.count() == 1
