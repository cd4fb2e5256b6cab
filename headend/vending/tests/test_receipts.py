"""The receipt: one model, and its two renderings never differ or break the paper."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from headend.accounts.services import console_user, create_user
from headend.customers.models import Customer
from headend.tariffs.components import Energy, PeriodicFee, Step
from headend.tariffs.rules import ROUNDED_KWH, FeeRecovery, Rounding, TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending import receipts, services
from headend.vending.models import Sale

SALE = receipts.Receipt(
    number="261121-7K3F9-QXMT2",
    issued_at=datetime(2026, 11, 21, 14, 5, tzinfo=UTC),
    utility="Riverside Power",
    utility_tax_number="4000123456",
    operator="Nomvula Dlamini",
    terminal="Web till",
    customer="Thandi Mokoena",
    address="12 Acacia Street, Riverside",
    meter_number="04100000019",
    key_attributes=(("SGC", "201457"), ("KRN", "1"), ("TI", "01"), ("EA", "07")),
    tariff="Domestic flat",
    lines=(
        receipts.Line("Energy", 4325, "17.3 kWh @ R\u00a02.50/kWh"),
        receipts.Line("VAT 15 %", 652),
        receipts.Line("Rounding", 23),
    ),
    tender_minor=5000,
    currency="ZAR",
    currency_digits=2,
    energy_wh=17_300,
    tokens=(receipts.PrintedToken("Electricity", "12345678901234567890", 17_300),),
)


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


def words(text):
    return " ".join(text.split())


def test_the_text_fits_80_mm_paper():
    assert receipts.render_text(SALE, paper_mm=80) == (
        "                Riverside Power\n"
        "               Tax no. 4000123456\n"
        "------------------------------------------------\n"
        "Receipt                       261121-7K3F9-QXMT2\n"
        "Date                        2026-11-21 14:05 UTC\n"
        "Operator                         Nomvula Dlamini\n"
        "Terminal                                Web till\n"
        "Customer                          Thandi Mokoena\n"
        "Address              12 Acacia Street, Riverside\n"
        "Meter                                04100000019\n"
        "Tariff                             Domestic flat\n"
        "SGC 201457 KRN 1 TI 01 EA 07\n"
        "------------------------------------------------\n"
        "Energy                                   R 43.25\n"
        "  17.3 kWh @ R 2.50/kWh\n"
        "VAT 15 %                                  R 6.52\n"
        "Rounding                                  R 0.23\n"
        "------------------------------------------------\n"
        "TENDER                                   R 50.00\n"
        "ENERGY                                  17.3 kWh\n"
        "------------------------------------------------\n"
        "\n"
        "              Electricity 17.3 kWh\n"
        "\n"
        "            1234 5678 9012 3456 7890\n"
        "\n"
        "Type the 20 digits on the meter's keypad, then\n"
        "press #.\n"
    )


def test_a_copy_is_marked_as_one_in_both_renderings():
    copy = replace(SALE, copy_number=2)
    assert "*** COPY 2 ***" in receipts.render_text(copy)
    assert "COPY 2" in render_to_string("vending/receipt.html", {"receipt": copy})
    assert "COPY" not in receipts.render_text(SALE)


def test_both_renderings_say_the_same():
    html = render_to_string("vending/receipt.html", {"receipt": SALE})
    shown = words(re.sub(r"<[^>]+>", " ", html)).replace("&#x27;", "'")
    for line in receipts.render_text(SALE).splitlines():
        for word in line.strip("- ").split():
            assert word in shown


def test_a_sale_without_a_token_says_so():
    text = receipts.render_text(replace(SALE, tokens=(), energy_wh=0))
    assert "nothing of this payment was left for energy" in words(text)
    assert "ENERGY" not in text


def test_several_tokens_are_entered_in_order():
    text = receipts.render_text(replace(SALE, tokens=SALE.tokens * 2))
    assert text.count("1234 5678 9012 3456 7890") == 2
    assert "in this order" in words(text)


@pytest.mark.parametrize(
    ("price_minor", "text"),
    [("250", "R\u00a02.50/kWh"), ("195.6522", "R\u00a01.956522/kWh"), ("5", "R\u00a00.05/kWh")],
)
def test_a_unit_price_is_shown_with_all_its_decimals(price_minor, text):
    assert receipts.price_per_kwh(Decimal(price_minor), currency="ZAR") == text


def test_there_is_no_paper_of_other_widths():
    with pytest.raises(ValueError, match="58, 80"):
        receipts.render_text(SALE, paper_mm=57)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=200),
    st.integers(-(10**12), 10**12),
    st.sampled_from([58, 80]),
)
def test_no_line_is_longer_than_the_paper(text, amount_minor, paper_mm):
    receipt = replace(
        SALE,
        customer=text,
        address=text,
        utility=text or "U",
        lines=(receipts.Line(text, amount_minor, text),),
        tender_minor=amount_minor,
    )
    lines = receipts.render_text(receipt, paper_mm=paper_mm).splitlines()
    assert max(map(len, lines)) <= receipts.COLUMNS[paper_mm]


@pytest.mark.django_db
def test_a_reprint_years_later_shows_the_names_of_the_sale(cashier):
    supply = make_supply()
    services.vend(
        caller="user:1",
        message_id="1",
        meter=supply.meter,
        tender_minor=5000,
        operator=cashier,
        at=NOON,
        terminal="Web till",
    )
    before = receipts.receipt_of(Sale.objects.get())
    Customer.objects.update(name="Somebody Else")
    assert receipts.receipt_of(Sale.objects.get()) == before
    assert before.customer == "Nomsa Dube"
    assert sum(line.amount_minor for line in before.lines) == before.tender_minor
    assert before.tokens[0].energy_wh == before.energy_wh == 17_300


def test_a_tax_on_energy_that_was_rounded_afterwards_says_what_it_is_of(cashier):
    supply = make_supply()
    for message_id, tender_minor in (("odd", 10_000), ("even", 28_750)):
        services.vend(
            caller="test",
            message_id=message_id,
            meter=supply.meter,
            tender_minor=tender_minor,
            operator=cashier,
            at=NOON,
        )
    odd, even = (receipts.receipt_of(sale) for sale in Sale.objects.order_by("pk"))
    energy, tax, rounding = odd.lines
    assert [one.amount_minor for one in odd.lines] == [8675, 1304, 21]
    assert tax.detail == "of R\u00a086.96, before rounding"
    assert energy.amount_minor + rounding.amount_minor == 8696
    assert [(one.text, one.detail) for one in even.lines][1] == ("VAT 15 %", "")  # 100 kWh


def test_energy_is_printed_as_the_tariff_rounds_it_and_the_token_as_it_carries_it(cashier):
    supply = make_supply()
    fine = TariffRules(
        (PeriodicFee("Fee", Decimal(60)), Energy("Energy", (Step(None, Decimal("4.60")),))),
        Rounding(kwh_step=Decimal("0.01"), lines_from=ROUNDED_KWH),
        FeeRecovery(Decimal(50)),
    )
    start = NOON + timedelta(hours=1)
    publish_version(code="test", name="", valid_from=start, rules=fine, by=console_user(), at=NOON)
    services.vend(
        caller="test",
        message_id="fine",
        meter=supply.meter,
        tender_minor=50_00,
        operator=cashier,
        at=start,
    )
    receipt = receipts.receipt_of(Sale.objects.get())
    fee, energy, _ = receipt.lines  # 25.00 / 4.60: 5.4347 kWh
    assert fee.detail == "1 month at 60.00; 35.00 of it stays owed"
    assert energy.detail == "5.43 kWh @ R\u00a04.60/kWh"
    text = receipts.render_text(receipt)
    assert re.search(r"ENERGY +5\.43 kWh\n", text)
    assert "Electricity 5.5 kWh" in text


def test_a_receipt_is_numbered_by_the_day_that_it_shows(cashier):
    midnight = datetime(2026, 12, 31, 22, 5, tzinfo=UTC)  # five past in Johannesburg
    services.vend(
        caller="test",
        message_id="late",
        meter=make_supply().meter,
        tender_minor=50_00,
        operator=cashier,
        at=midnight,
    )
    receipt = receipts.receipt_of(Sale.objects.get())
    assert receipt.issued_at.date().isoformat() == "2027-01-01"
    assert receipt.number.startswith("270101-")
