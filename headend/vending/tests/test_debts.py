"""A sale that pays into debts: its lines, its entry, what is left, and what a failure leaves."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headend.accounts.models import User
from headend.accounts.services import console_user
from headend.debts.errors import PurchasesBlocked
from headend.debts.models import Debt
from headend.debts.services import open_debt, set_energy_floor
from headend.debts.terms import Terms
from headend.ledger import proofs
from headend.ledger.queries import balance_minor, trial_balance
from headend.securitymodule.errors import KeyMissing
from headend.securitymodule.models import VendingKey
from headend.testing import NOON, make_supply, traffic
from headend.vending import debt_payments, services
from headend.vending.models import Sale
from headend.vending.receipts import receipt_of, render_text

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    return make_supply()


def owe(owner, owed_minor, **terms):
    return open_debt(
        owner=owner,
        title=terms.pop("title", "Arrears"),
        amount_minor=owed_minor,
        terms=Terms(**terms),
        by=console_user(),
        at=NOON,
    )


def vend(supply, tender_minor=50_00, *, message_id="m1", at=NOON):
    return services.vend(
        caller="till",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=tender_minor,
        operator=console_user(),
        at=at,
    )


def lines(sale):
    return [(line.kind, line.description, line.amount_minor) for line in sale.lines.all()]


def agrees():
    assert sum(one.amount_minor for one in trial_balance()) == 0
    return proofs.differences_of(proofs.prove(at=NOON)) == []


def test_a_debt_is_paid_before_energy(supply):
    debt = owe(supply.customer, 100_00, method="percent", percent=Decimal(20))
    trial = services.trial_vend(meter=supply.meter, tender_minor=50_00, at=NOON)
    sale = vend(supply)
    assert ("debt", "Arrears", 10_00) in lines(sale)
    assert sum(amount for _, _, amount in lines(sale)) == 50_00
    assert [line.amount_minor for line in trial.lines] == [amount for _, _, amount in lines(sale)]
    assert (
        sale.issued_wh
        == services.trial_vend(meter=make_supply().meter, tender_minor=40_00, at=NOON).issued_wh
    )
    debt.refresh_from_db()
    assert debt.balance_minor == balance_minor(debt.account, "ZAR") == 90_00
    assert balance_minor("cash.tills", "ZAR") == 50_00
    assert agrees()


def test_a_trial_collects_nothing(supply):
    debt = owe(supply.customer, 100_00, method="percent", percent=Decimal(20))
    with CaptureQueriesContext(connection) as queries:
        services.trial_vend(meter=supply.meter, tender_minor=50_00, at=NOON)
    assert all(query["sql"].startswith("SELECT") for query in queries)
    debt.refresh_from_db()
    assert debt.balance_minor == 100_00


def test_the_receipt_tells_what_is_left(supply):
    owe(supply.customer, 100_00, method="percent", percent=Decimal(20))
    sale = vend(supply)
    text = render_text(receipt_of(sale))
    assert "Arrears" in text
    assert "R 90.00 left to pay" in text
    vend(supply, message_id="m2")
    assert "R 90.00 left to pay" in render_text(receipt_of(sale, copy_number=1))


def test_priorities_and_the_floor(supply):
    first = owe(supply.premises, 20_00, method="per_purchase", amount_minor=30_00, title="Cable")
    second = owe(supply.customer, 90_00, method="per_purchase", amount_minor=30_00, priority=2)
    sale = vend(supply)
    assert [line for line in lines(sale) if line[0] == "debt"] == [
        ("debt", "Cable", 20_00),
        ("debt", "Arrears", 5_00),
    ]
    assert [one.balance_minor for one in Debt.objects.order_by("pk")] == [0, 85_00]
    assert {first.pk, second.pk} == set(Debt.objects.values_list("pk", flat=True))
    later = vend(supply, message_id="m2")
    assert [line for line in lines(later) if line[0] == "debt"] == [("debt", "Arrears", 25_00)]
    assert agrees()


def test_a_month_has_had_its_amount(supply):
    owe(supply.customer, 90_00, method="per_month", amount_minor=15_00)
    assert ("debt", "Arrears", 15_00) in lines(vend(supply))
    assert "debt" not in {kind for kind, _, _ in lines(vend(supply, message_id="m2"))}
    december = NOON.replace(month=12)
    assert ("debt", "Arrears", 15_00) in lines(vend(supply, message_id="m3", at=december))


def test_instalments_are_paid_to_the_last_coin(supply):
    debt = owe(
        supply.customer, 10_00, method="instalments", instalments=3, first_due=date(2026, 11, 1)
    )
    paid = []
    for number, month in enumerate((11, 12)):
        sale = vend(supply, message_id=f"m{number}", at=NOON.replace(month=month))
        paid += [amount for kind, _, amount in lines(sale) if kind == "debt"]
    sale = vend(supply, message_id="m9", at=NOON.replace(year=2027, month=5))
    paid += [amount for kind, _, amount in lines(sale) if kind == "debt"]
    assert paid == [3_34, 3_33, 3_33]
    debt.refresh_from_db()
    assert debt.balance_minor == 0
    assert agrees()


def test_when_debts_take_all_there_is_no_token_and_the_receipt_says_so(supply):
    set_energy_floor(percent=Decimal(0), by=console_user(), at=NOON)
    owe(supply.customer, 100_00, method="percent", percent=Decimal(100))
    sale = vend(supply)
    assert not sale.tokens.exists()
    assert sale.issued_wh == 0
    assert sum(amount for _, _, amount in lines(sale)) == 50_00
    assert "nothing of this payment was left" in render_text(receipt_of(sale)).replace("\n", " ")
    assert agrees()


def test_the_same_message_collects_once(supply):
    debt = owe(supply.customer, 100_00, method="percent", percent=Decimal(20))
    assert vend(supply) == vend(supply)
    debt.refresh_from_db()
    assert debt.balance_minor == 90_00
    assert Sale.objects.count() == 1


def test_a_sale_that_fails_collects_nothing(supply):
    debt = owe(supply.customer, 100_00, method="percent", percent=Decimal(20))
    VendingKey.objects.all().delete()
    with pytest.raises(KeyMissing):
        vend(supply)
    debt.refresh_from_db()
    assert debt.balance_minor == balance_minor(debt.account, "ZAR") == 100_00


def test_components_have_accounts_of_their_own(supply):
    vend(supply)
    codes = {one.code for one in trial_balance()}
    assert {"sales.energy.energy", "tax.sales.vat"} <= codes


def test_a_debt_costs_few_statements(supply):
    owe(supply.customer, 100_00, method="percent", percent=Decimal(20))
    owe(supply.customer, 100_00, method="per_month", amount_minor=1_00)
    operator = console_user()
    vend(supply, message_id="warm")
    fresh = User.objects.get(pk=operator.pk)
    with traffic() as seen:
        services.vend(
            caller="till",
            message_id="m2",
            meter=supply.meter,
            tender_minor=50_00,
            operator=fresh,
            at=NOON,
        )
    about_debts = [statement for statement in seen.statements if "debts_" in statement]
    # the open debts, the floor, and the one that is paid (the other has had its month's amount)
    assert len(about_debts) == 3, "\n".join(about_debts)


def test_a_share_that_rises_and_then_nothing_is_sold_before_it_is_paid(supply):
    """30 % at first, 50 % from the tenth on, nothing sold from the twentieth on."""
    debt = owe(
        supply.customer,
        30_00,
        method="percent",
        percent=Decimal(30),
        later_percent=Decimal(50),
        later_from=date(2026, 12, 10),
        blocked_from=date(2026, 12, 20),
    )
    assert (
        debt.recovery == "30 % of each purchase, 50 % from 2026-12-10 on, "
        "nothing is sold from 2026-12-20 on before it is paid"
    )

    def taken(day, message_id):
        sale = vend(supply, 20_00, message_id=message_id, at=NOON.replace(month=12, day=day))
        return sum(amount for kind, _, amount in lines(sale) if kind == "debt")

    assert [taken(9, "m1"), taken(10, "m2"), taken(19, "m3")] == [6_00, 10_00, 10_00]
    with pytest.raises(PurchasesBlocked, match=r"“Arrears” .*4.00. is paid"):
        taken(20, "m4")
    at = NOON.replace(month=12, day=20)
    with pytest.raises(PurchasesBlocked):
        services.trial_vend(meter=supply.meter, tender_minor=20_00, at=at)
    debt_payments.pay(
        caller="till",
        message_id="p1",
        debt=debt,
        amount_minor=4_00,
        operator=console_user(),
        at=at,
    )
    assert taken(20, "m5") == 0
