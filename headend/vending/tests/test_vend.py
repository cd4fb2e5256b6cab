"""The vend: what it writes, what it refuses, and that a message stands for one sale."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from headend.accounts.models import User
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.errors import NoSupplyAgreement
from headend.customers.services import end_agreement
from headend.fleet.models import Command
from headend.ledger.models import Entry
from headend.ledger.queries import balance_minor, trial_balance
from headend.meters.models import Meter
from headend.securitymodule.errors import KeyMissing, VendingKeyExpired
from headend.securitymodule.models import VendingKey
from headend.tariffs.errors import NoTariffInForce
from headend.testing import NOON, make_supply, traffic
from headend.vending import services
from headend.vending.errors import (
    InvalidMessageId,
    InvalidTender,
    MessageConflict,
    MeterNotInstalled,
    NothingToSend,
    SaleNotFound,
    TenderTooLarge,
    TenderTooSmall,
)
from headend.vending.models import IssuedToken, ReceiptCopy, Sale, SaleLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def supply():
    return make_supply()


@pytest.fixture
def meter(supply):
    return supply.meter


@pytest.fixture
def cashier(db):
    return create_user(username="cashier", password=None, groups=("cashier",))


def vend(meter, *, operator=None, message_id="m1", tender_minor=5000, **more):
    request: dict[str, Any] = {"caller": "till", "at": NOON} | more
    return services.vend(
        meter=meter,
        message_id=message_id,
        tender_minor=tender_minor,
        operator=operator or console_user(),
        **request,
    )


def counts():
    models = (Sale, SaleLine, IssuedToken, Entry, AuditEntry, Command)
    return {model.__name__: model.objects.count() for model in models}


def assert_only_the_refusal_is_kept(before):
    """Nothing of the sale is there; that a key was refused is on the record."""
    assert AuditEntry.objects.filter(action="securitymodule.refuse_key").count() == 1
    assert counts() == before | {"AuditEntry": before["AuditEntry"] + 1}


def test_a_sale_is_complete(meter, cashier):
    sale = vend(meter, operator=cashier, terminal="till 1")
    assert (sale.tender_minor, sale.issued_wh, sale.encoded_wh) == (5000, 17300, 17300)
    assert [(line.kind, line.amount_minor) for line in sale.lines.all()] == [
        ("energy", 4325),
        ("tax", 652),
        ("rounding", 23),
    ]
    token = sale.tokens.get()
    assert len(token.digits) == 20
    assert (token.units, token.krn, token.token_class, token.subclass) == (173, 1, 0, 0)
    assert token.tid == Meter.objects.get(pk=meter.pk).last_tid
    assert balance_minor("cash.tills", "ZAR") == 5000
    assert balance_minor("sales.energy", "ZAR") == -4325
    assert balance_minor("rounding.sales", "ZAR") == -23
    assert balance_minor("tax.sales", "ZAR") == -652
    assert sum(balance.amount_minor for balance in trial_balance()) == 0
    audit = AuditEntry.objects.get(action="vending.vend")
    assert (audit.actor, audit.object_id, audit.source) == (cashier, str(sale.pk), "till")
    assert sale.particulars["customer"] == "Nomsa Dube"
    assert sale.particulars["terminal"] == "till 1"
    assert [line["price_minor_per_kwh"] for line in sale.calculation["lines"]] == [
        "250",
        None,
        None,
    ]
    assert sale.calculation["lines"][0]["explanation"] == "17.3 kWh at 2.50"


def test_trial_vend_says_the_same_and_writes_nothing(meter):
    before, last_tid = counts(), meter.last_tid
    with CaptureQueriesContext(
        connection,
    ) as queries:
        quote = services.trial_vend(meter=meter, tender_minor=5000, at=NOON)
    assert all(query["sql"].startswith("SELECT") for query in queries)
    assert counts() == before
    assert Meter.objects.get(pk=meter.pk).last_tid == last_tid
    sale = vend(meter)
    for figure in ("tender_minor", "currency", "sold_wh", "issued_wh", "encoded_wh"):
        assert getattr(quote, figure) == getattr(sale, figure)
    assert [line.amount_minor for line in quote.lines] == [
        line.amount_minor for line in sale.lines.all()
    ]


def test_same_message_is_the_same_sale(meter):
    sale, before = vend(meter), counts()
    assert vend(meter, at=NOON + timedelta(hours=1)) == sale
    assert services.advice(caller="till", message_id="m1") == sale
    assert counts() | {"Sale": 1} == before | {"Sale": 1}


def test_same_message_for_another_request_is_a_conflict(meter):
    vend(meter)
    before = counts()
    other = make_supply().meter
    for request in ({"tender_minor": 5001}, {"meter": other}):
        with pytest.raises(MessageConflict, match="m1"):
            vend(**({"meter": meter} | request))
    assert counts()["Sale"] == before["Sale"]


def test_message_ids_belong_to_their_caller(meter):
    first = vend(meter)
    second = vend(meter, caller="api:7")
    assert first != second
    with pytest.raises(SaleNotFound):
        services.advice(caller="api:8", message_id="m1")


def test_same_message_after_the_agreement_ended_is_still_the_sale(supply, meter):
    sale = vend(meter)
    later = NOON + timedelta(hours=1)
    end_agreement(supply, by=console_user(), at=later, reason="moved out")
    assert vend(meter, at=later) == sale
    with pytest.raises(NoSupplyAgreement, match=meter.drn):
        vend(meter, at=later, message_id="m2")


@pytest.mark.parametrize("message_id", ["", "x" * 65, "a\nb", "a\x00"])
def test_message_ids_are_plain_short_text(meter, message_id):
    with pytest.raises(InvalidMessageId):
        vend(meter, message_id=message_id)


@pytest.mark.parametrize(
    ("tender_minor", "error"),
    [
        (0, InvalidTender),
        (-5000, InvalidTender),
        (10**14, InvalidTender),
        (28, TenderTooSmall),
        (10**12, TenderTooLarge),
    ],
)
def test_money_that_cannot_be_vended(meter, tender_minor, error):
    before = counts()
    with pytest.raises(error):
        vend(meter, tender_minor=tender_minor)
    assert counts() == before


def test_large_amounts_round_up_in_the_token_only(meter):
    sale = vend(meter, tender_minor=500_000)
    assert sale.issued_wh == 1_739_100
    assert sale.encoded_wh == 1_739_400  # the code steps by 1 kWh up there: from 1638.4
    assert sale.tokens.get().units * 100 == sale.encoded_wh


def test_refusals_leave_nothing_behind(meter):
    before = counts()
    Meter.objects.filter(pk=meter.pk).update(ken=0x10)
    with pytest.raises(VendingKeyExpired):
        vend(meter)
    assert_only_the_refusal_is_kept(before)
    assert Meter.objects.get(pk=meter.pk).last_tid is None


def test_missing_key_refuses_the_sale(meter):
    VendingKey.objects.all().delete()
    before = counts()
    with pytest.raises(KeyMissing):
        vend(meter)
    assert_only_the_refusal_is_kept(before)


def test_only_installed_meters_vend(meter):
    Meter.objects.filter(pk=meter.pk).update(status=Meter.Status.REMOVED)
    with pytest.raises(MeterNotInstalled, match="removed"):
        vend(meter)


def test_tariff_must_be_in_force(supply, meter):
    type(supply).objects.update(started_at=NOON - timedelta(days=2))
    with pytest.raises(NoTariffInForce):
        vend(meter, at=NOON - timedelta(days=1))


def test_vending_needs_permission(meter):
    nobody = create_user(username="nobody", password=None)
    with pytest.raises(NotPermitted, match="permission"):
        vend(meter, operator=nobody)


def test_tokens_of_one_minute_differ(meter):
    sales = [vend(meter, message_id=f"m{number}") for number in range(5)]
    tokens = [sale.tokens.get() for sale in sales]
    tids = [token.tid for token in tokens]
    assert tids == list(range(tids[0], tids[0] + 5))
    assert len({token.digits for token in tokens}) == 5
    assert len({sale.receipt_number for sale in sales}) == 5


def test_sent_token_is_queued_in_the_same_transaction(meter, cashier):
    sale = vend(meter, operator=cashier, send=True)
    token = sale.tokens.get()
    assert token.delivery is not None
    assert token.delivery.arguments == {"digits": token.digits}
    assert token.delivery.token_identifier == token.tid
    assert services.send_to_meter(sale=sale, by=cashier, at=NOON) == [token.delivery]
    assert Command.objects.count() == 1


def test_sale_can_be_sent_later(meter, cashier):
    sale = vend(meter, operator=cashier)
    assert sale.tokens.get().delivery is None
    (command,) = services.send_to_meter(sale=sale, by=cashier, at=NOON)
    assert sale.tokens.get().delivery == command


def test_nothing_sold_nothing_sent(meter, cashier):
    sale = vend(meter)
    other = Sale.objects.get(pk=sale.pk)
    other.pk = None
    other.receipt_number, other.message_id = "x", "x"
    other.save(force_insert=True)
    with pytest.raises(NothingToSend):
        services.send_to_meter(sale=other, by=cashier, at=NOON)


def test_a_failure_after_the_token_undoes_everything(meter, monkeypatch):
    """A crash between token and commit must not use up anything but the attempt."""
    console_user()
    before = counts()

    def fail(**_):
        raise RuntimeError("power cut")

    monkeypatch.setattr("headend.vending.services.audit.record", fail)
    with pytest.raises(RuntimeError):
        vend(meter)
    assert counts() == before
    assert Meter.objects.get(pk=meter.pk).last_tid is None


def test_copies_are_counted_and_recorded(meter, cashier):
    sale = vend(meter, operator=cashier)
    copies = [services.reprint(sale=sale, by=cashier, at=NOON, reason="torn") for _ in range(2)]
    assert [copy.number for copy in copies] == [1, 2]
    assert ReceiptCopy.objects.filter(sale=sale).count() == 2
    assert AuditEntry.objects.filter(action="vending.reprint", reason="torn").count() == 2
    with pytest.raises(NotPermitted):
        services.reprint(sale=sale, by=create_user(username="x", password=None), at=NOON)


@pytest.mark.parametrize("model", [Sale, SaleLine, IssuedToken, AuditEntry])
def test_what_was_sold_never_changes(meter, model):
    vend(meter)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.update(id=0)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.all()._raw_delete("default")
    if connection.vendor == "sqlite":
        table = model._meta.db_table
        replace = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            connection.cursor().execute(replace)


def test_a_vend_needs_few_statements(meter, cashier):
    vend(meter, operator=cashier, message_id="warm")
    fresh = User.objects.get(pk=cashier.pk)
    with traffic() as seen:
        vend(meter, operator=fresh)
    # permissions; who, for whom and which message; price and key; accounts; what is written
    assert seen.trips == 5, seen.statements
    # PostgreSQL writes everything with two statements.
    is_postgresql = connection.vendor == "postgresql"
    assert len(seen.statements) == (15 if is_postgresql else 20), seen.statements
