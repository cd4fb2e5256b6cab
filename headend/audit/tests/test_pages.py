"""The search of the record, and the whole life of customer, agreement, meter and sale."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from headend.accounts.groups import AUDITOR, CASHIER
from headend.accounts.services import console_user
from headend.audit import pages, views
from headend.audit import services as audit
from headend.audit.models import AuditEntry
from headend.audit.sealer import Sealer
from headend.config.opaque import id_of
from headend.customers.models import SupplyAgreement
from headend.customers.services import end_agreement
from headend.design import words
from headend.fleet.services import queue_command
from headend.testing import NOON, make_supply
from headend.vending.models import Sale
from headend.vending.services import vend
from shared.wire import commands

LogIn = Callable[..., Client]


@pytest.fixture
def supply(db: None) -> SupplyAgreement:
    return make_supply()


def sell(supply: SupplyAgreement, message_id: str) -> Sale:
    return vend(
        caller="test",
        message_id=message_id,
        meter=supply.meter,
        tender_minor=10_000,
        operator=console_user(),
        at=NOON,
    )


def page(client: Client, address: str, **query: str) -> str:
    response = client.get(address, query)
    assert response.status_code == 200
    return response.content.decode().replace("<wbr>", "")  # where a code may break


def test_only_those_who_may_search_see_the_record(log_in: LogIn, supply: SupplyAgreement) -> None:
    client = log_in(CASHIER)
    assert client.get("/audit/").status_code == 403
    assert client.get(f"/audit/meters.meter/{supply.meter.pk}/").status_code == 403


def test_the_kinds_to_choose_are_those_of_the_record_each_by_one_name(
    supply: SupplyAgreement,
) -> None:
    sell(supply, "one")
    recorded = set(AuditEntry.objects.values_list("object_type", flat=True))
    kinds = pages.kinds()
    assert {kind for kind, _ in kinds} == recorded
    assert ("customers.supplyagreement", "account (supply agreement)") in kinds
    names = [name for _, name in kinds]
    assert names == sorted(names, key=str.casefold)


def test_words_for_kinds_are_of_kinds_that_exist_and_no_two_have_one_name() -> None:
    names = {model._meta.label_lower: "" for model in apps.get_models()}
    assert words.KINDS.keys() <= names.keys()
    names = {kind: pages.kind_of(kind) for kind in names}
    assert len(names) == len(set(names.values())), sorted(names.values())


def test_the_search_finds_by_act_person_kind_and_day(
    log_in: LogIn, supply: SupplyAgreement
) -> None:
    sale = sell(supply, "one")
    end_agreement(
        supply, by=console_user(), at=NOON + timedelta(days=2), reason="moved to the coast"
    )
    client = log_in(AUDITOR)
    everything = page(client, "/audit/")
    assert "vending.vend" in everything
    assert "meters.register" in everything
    assert "moved to the coast" in page(client, "/audit/", q="coast")
    assert "vending.vend" not in page(client, "/audit/", q="coast")
    assert sale.receipt_number in page(client, "/audit/", kind="vending.sale")
    assert "meters.register" not in page(client, "/audit/", kind="vending.sale")
    assert "vending.vend" in page(client, "/audit/", who="CONSOLE")
    assert "No entry matches" in page(client, "/audit/", who="nobody")
    for said in ("open agreement", "customers.open_agreement"):
        assert "Open agreement" in page(client, "/audit/", q=said)
    later = page(client, "/audit/", first_day="2026-11-22")
    assert "customers.end_agreement" in later
    assert "vending.vend" not in later
    assert "customers.end_agreement" not in page(client, "/audit/", last_day="2026-11-21")
    assert "That filter was left out" in page(client, "/audit/", first_day="soon")


def test_an_entry_says_whether_it_is_sealed(log_in: LogIn, supply: SupplyAgreement) -> None:
    client = log_in(AUDITOR)
    assert "sealed, link" not in page(client, "/audit/")
    Sealer().seal(at=NOON)
    assert "sealed, link" in page(client, "/audit/")
    assert "not sealed yet" not in page(client, "/audit/")


def test_what_was_and_what_is_stand_side_by_side(log_in: LogIn, supply: SupplyAgreement) -> None:
    shown = page(log_in(AUDITOR), "/audit/", q="meters.install")
    assert "<strong>status</strong> stock → installed" in " ".join(shown.split())


def test_long_records_are_paged_without_counting(
    log_in: LogIn, supply: SupplyAgreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PER_PAGE", 3)
    for number in range(5):
        audit.record(actor=None, action=f"test.act{number}", target=supply, at=NOON)
    client = log_in(AUDITOR)
    with CaptureQueriesContext(connection) as queries:
        first = client.get("/audit/", {"q": "test.act"})
    assert not any("COUNT(" in query["sql"] for query in queries)
    shown = first.content.decode()
    assert [f">act{n}<" in shown for n in range(5)] == [False] * 2 + [True] * 3
    older = first.context["slice"].older_than
    second = page(client, "/audit/", q="test.act", before=str(older))
    assert [f"test.act{n}" in second for n in range(5)] == [True] * 2 + [False] * 3
    assert "That is the oldest" in second
    assert "test.act4" in page(client, "/audit/", q="test.act", before="9" * 30)


def test_a_customers_page_leads_to_the_lives_of_account_and_premises(
    log_in: LogIn, supply: SupplyAgreement
) -> None:
    client = log_in(AUDITOR)
    shown = page(client, f"/customers/{id_of(supply.customer)}/")
    assert f"/audit/customers.supplyagreement/{supply.pk}/" in shown
    premises = f"/audit/customers.premises/{supply.premises_id}/"
    assert premises in shown
    assert f"<h1>{supply.premises.address}</h1>" in page(client, premises)
    assert "/audit/" not in page(log_in(CASHIER), f"/customers/{id_of(supply.customer)}/")


def test_a_life_tells_of_everything_that_belongs_to_it(
    log_in: LogIn, supply: SupplyAgreement
) -> None:
    other = make_supply()
    sale, foreign = sell(supply, "one"), sell(other, "two")
    command = queue_command(
        meter=supply.meter,
        command=commands.READ,
        arguments={"what": "registers"},
        requested_by=console_user(),
        at=NOON,
    )
    audit.record(actor=None, action="test.command", target=command, at=NOON)
    client = log_in(AUDITOR)
    acts = {"customers.register", "customers.open_agreement", "meters.register", "vending.vend"}
    for kind, pk, expected in (
        ("customers.customer", supply.customer_id, acts),
        ("meters.meter", supply.meter_id, acts | {"test.command"}),
        ("customers.supplyagreement", supply.pk, {"customers.open_agreement", "vending.vend"}),
        ("customers.premises", supply.premises_id, acts - {"customers.register"}),
        ("vending.sale", sale.pk, {"vending.vend"}),
    ):
        shown = page(client, f"/audit/{kind}/{pk}/")
        assert {act for act in acts | {"test.command"} if act in shown} == expected, kind
        if kind != "customers.premises":  # both live at one address
            assert foreign.receipt_number not in shown


def test_a_life_that_never_was_is_not_found(log_in: LogIn, supply: SupplyAgreement) -> None:
    client = log_in(AUDITOR)
    assert client.get("/audit/meters.meter/999999/").status_code == 404
    assert client.get("/audit/no.such/x/").status_code == 404
    assert client.get(f"/audit/meters.meter/{'9' * 30}/").status_code == 404
    assert client.get("/audit/meters.meter/none/").status_code == 404


def test_pages_of_objects_lead_to_their_life(log_in: LogIn, supply: SupplyAgreement) -> None:
    sale = sell(supply, "one")
    client = log_in(AUDITOR)
    for address, life in (
        (
            f"/customers/{id_of(supply.customer)}/",
            f"/audit/customers.customer/{supply.customer_id}/",
        ),
        (f"/meters/{supply.meter.drn}/", f"/audit/meters.meter/{supply.meter_id}/"),
        (f"/sales/{sale.receipt_number}/", f"/audit/vending.sale/{sale.pk}/"),
    ):
        assert life in page(client, address)
        assert client.get(life).status_code == 200
