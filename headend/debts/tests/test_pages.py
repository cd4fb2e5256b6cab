"""The pages of debts: what they show, what they do, and to whom."""

from datetime import timedelta
from decimal import Decimal

import pytest

from headend.accounts.models import Approval
from headend.accounts.services import console_user
from headend.config.opaque import encode, id_of
from headend.debts import acts, queries, services
from headend.debts.models import Debt
from headend.debts.terms import Terms
from headend.testing import NOON, make_supply

pytestmark = pytest.mark.django_db

ADMINISTRATOR = "utility administrator"


@pytest.fixture
def supply():
    return make_supply()


@pytest.fixture
def debt(supply):
    return services.open_debt(
        owner=supply.customer,
        title="Arrears <2025>",
        amount_minor=150_00,
        terms=Terms(method="percent", percent=Decimal("33.5"), cap_per_purchase_minor=20_00),
        by=console_user(),
        at=NOON - timedelta(days=1),
        external_reference="OLD-7",
    )


def text(answer):
    return answer.content.decode()


def test_the_list_finds_debts(log_in, debt):
    client = log_in("auditor")
    for asked in ("", "dube", "old-7", "arrears nomsa"):
        page = text(client.get("/debts/", {"q": asked}))
        assert "R\u00a0150.00" in page
        assert "Arrears &lt;2025&gt;" in page
        assert "33.5 % of each purchase, at most R\u00a020.00 per purchase" in page
    assert "No debt matches" in text(client.get("/debts/", {"q": "nobody"}))


def test_what_is_paid_is_listed_on_request(log_in, debt):
    client = log_in("auditor")
    Debt.objects.update(balance_minor=0)
    assert "Nothing is owed" in text(client.get("/debts/"))
    assert "Arrears" in text(client.get("/debts/", {"paid": "on"}))


def test_a_customers_debts_are_those_of_their_premises_too(log_in, supply, debt):
    services.open_debt(
        owner=supply.premises,
        title="Cut cable",
        amount_minor=1,
        terms=Terms(method="per_purchase", amount_minor=5),
        by=console_user(),
        at=NOON,
    )
    client = log_in("auditor")
    page = text(client.get("/debts/", {"customer": id_of(supply.customer)}))
    assert "Cut cable" in page
    assert "Arrears" in page
    assert (
        client.get("/debts/", {"customer": encode("customers.customer", 99999)}).status_code == 404
    )
    assert "/debts/?customer=" in text(client.get(f"/customers/{id_of(supply.customer)}/"))


def test_a_debts_page_tells_its_life(log_in, debt):
    page = text(log_in("auditor").get(f"/debts/{id_of(debt)}/"))
    assert "Debt opened: Arrears &lt;2025&gt;" in page
    assert page.count("R\u00a0150.00") == 4  # owed, opened with, the change, owed after it
    assert "Write off" not in page


TYPED = {
    "attach_to": "customer", "title": "Fine", "amount": "1 200,50", "method": "instalments",
    "instalments": "12", "first_due": "2026-12-01", "priority": "2",
}  # fmt: skip


def test_a_debt_is_added(log_in, supply):
    client = log_in(ADMINISTRATOR)
    address = f"/debts/of-customer/{id_of(supply.customer)}/add/"
    assert "1 Test Road" in text(client.get(address))
    done = client.post(address, TYPED | {"attach_to": f"premises-{supply.premises_id}"})
    made = Debt.objects.get()
    assert done.url == f"/debts/{id_of(made)}/"
    assert (made.premises, made.principal_minor) == (supply.premises, 120050)
    assert (made.instalments, made.priority) == (12, 2)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"instalments": ""}, "This method needs it"),
        ({"method": "percent", "percent": "101"}, "less than or equal to 100"),
        ({"amount": "much"}, "in digits"),
        ({"method": "percent_owed", "percent": ""}, "This method needs it"),
        ({"method": "percent", "percent": "30", "later_percent": "50"}, "belong together"),
        ({"attach_to": "premises-99999"}, "not one of the available choices"),
        ({"title": "   "}, "required"),
    ],
)
def test_what_makes_no_sense_is_shown_at_its_field(log_in, supply, typed, why):
    client = log_in(ADMINISTRATOR)
    answer = client.post(f"/debts/of-customer/{id_of(supply.customer)}/add/", TYPED | typed)
    assert answer.status_code == 200
    assert why in text(answer)
    assert not Debt.objects.exists()


def test_a_round_percentage_is_shown_as_people_write_it(log_in, debt):
    debt.percent = Decimal(20)
    debt.save()
    assert 'value="20"' in text(log_in(ADMINISTRATOR).get(f"/debts/{id_of(debt)}/terms/"))


def test_terms_that_rise_and_block_are_typed_and_shown_again(log_in, debt):
    client = log_in(ADMINISTRATOR)
    address = f"/debts/{id_of(debt)}/terms/"
    rising = {"percent": "30", "later_percent": "50", "later_from": "2027-03-01"}
    typed = rising | {"blocked_from": "2027-06-01", "priority": "1", "reason": "agreed"}
    client.post(address, typed | {"method": "percent_owed"})
    page = text(client.get(address))
    assert all(f'value="{each}"' in page for each in (*rising.values(), "2027-06-01"))
    client.post(address, typed | {"method": "per_month", "amount_each": "25"})
    debt.refresh_from_db()
    assert (debt.later_percent, debt.later_from) == (0, None)
    assert f"{debt.blocked_from}" == "2027-06-01"


def test_terms_are_changed(log_in, debt):
    client = log_in(ADMINISTRATOR)
    address = f"/debts/{id_of(debt)}/terms/"
    assert 'value="33.5"' in text(client.get(address))
    client.post(
        address, {"method": "per_month", "amount_each": "25", "priority": "1", "reason": "agreed"}
    )
    debt.refresh_from_db()
    assert (debt.method, debt.amount_minor, debt.cap_per_purchase_minor) == (
        "per_month",
        2500,
        None,
    )


@pytest.mark.parametrize(
    ("page", "typed", "act", "amount_minor"),
    [
        ("write-off", {"amount": "40"}, acts.WRITE_OFF, 40_00),
        ("adjust", {"amount": "40", "direction": "lower"}, acts.ADJUST, -40_00),
        ("adjust", {"amount": "40", "direction": "raise"}, acts.ADJUST, 40_00),
    ],
)
def test_a_second_person_is_asked(log_in, debt, page, typed, act, amount_minor):
    client = log_in(ADMINISTRATOR)
    address = f"/debts/{id_of(debt)}/{page}/"
    assert "somebody else approves" in text(client.get(address))
    client.post(address, typed | {"reason": "agreed"})
    request = Approval.objects.get()
    assert (request.act, request.arguments["amount_minor"]) == (act, amount_minor)
    assert "Waits for a second person" in text(client.get(f"/debts/{id_of(debt)}/"))
    debt.refresh_from_db()
    assert debt.balance_minor == 150_00


def test_more_than_is_owed_is_refused_at_the_field(log_in, debt):
    client = log_in(ADMINISTRATOR)
    answer = client.post(f"/debts/{id_of(debt)}/write-off/", {"amount": "150.01", "reason": "x"})
    assert "ask for less" in text(answer)
    assert not Approval.objects.exists()


def test_the_floor_is_set(log_in):
    client = log_in(ADMINISTRATOR)
    assert "50 %" in text(client.get("/debts/floor/"))
    client.post("/debts/floor/", {"percent": "30"})
    assert queries.energy_floor(at=NOON) == Decimal("0.3")
    assert "30 %" in text(client.get("/debts/floor/"))


def test_the_report_adds_up(log_in, debt):
    page = text(log_in("auditor").get("/debts/report/", {"first_day": "2026-11-20"}))
    assert page.count("R\u00a0150.00") == 2  # opened, owed after
    assert "No debt moved" in text(
        log_in("approver").get("/debts/report/", {"last_day": "2026-11-19"})
    )


def test_a_cashier_sees_no_debts(log_in, supply, debt):
    client = log_in("cashier")
    pages = [
        *("", "floor/", "report/", f"of-customer/{id_of(supply.customer)}/add/"),
        *(f"{id_of(debt)}/{page}" for page in ("", "terms/", "write-off/", "adjust/")),
    ]
    assert {client.get(f"/debts/{page}").status_code for page in pages} == {403}


def test_an_auditor_changes_nothing(log_in, supply, debt):
    client = log_in("auditor")
    pages = [f"{id_of(debt)}/{page}/" for page in ("terms", "write-off", "adjust")]
    assert {client.post(f"/debts/{page}").status_code for page in pages} == {403}
    assert "lacks the permission" in text(client.post("/debts/floor/", {"percent": "1"}))


def test_the_list_takes_as_many_queries_for_many_as_for_one(
    log_in, supply, debt, django_assert_num_queries
):
    client = log_in("auditor")
    client.get("/debts/")
    with django_assert_num_queries(6):
        client.get("/debts/")
    for number in range(3):
        services.open_debt(
            owner=make_supply().customer,
            title=f"Debt {number}",
            amount_minor=1,
            terms=Terms(method="per_purchase", amount_minor=5),
            by=console_user(),
            at=NOON,
        )
    with django_assert_num_queries(6):
        client.get("/debts/")
