"""The vend's statements do what the ORM would do, on random sales, row by row."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from headend.accounts.services import console_user
from headend.config import prepared, statements
from headend.config.errors import Refusal
from headend.debts.models import Debt
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.ledger.services import forget_accounts
from headend.tariffs.examples import EXAMPLES
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending import receipts, reversals, selling, services
from headend.vending.models import OpeningUse, Sale
from headend.vending.tests.test_free_electricity import enrol
from headend.vending.tests.twin import TWINS, in_plain_orm
from headend.vendors.models import Contract, Purse
from headend.vendors.services import Terms as Contracted
from headend.vendors.tests.conftest import Shop

pytestmark = pytest.mark.django_db

# What differs between any two sales: chance, and what is made of it.
_CHANCE = {"signature", "public_id", "available_minor", "entry_id"}

debts = st.fixed_dictionaries(
    {
        "amount_minor": st.integers(1, 30_000),
        "terms": st.sampled_from(
            [
                Terms(method=Debt.Method.PERCENT, percent=Decimal("12.5")),
                Terms(method=Debt.Method.PER_PURCHASE, amount_minor=700, priority=2),
                Terms(method=Debt.Method.PER_MONTH, amount_minor=1500),
            ]
        ),
        "on_premises": st.booleans(),
    }
)
sales = st.fixed_dictionaries(
    {
        "tender_minor": st.integers(1, 60_000),
        "message": st.integers(1, 5),
        "hours": st.integers(0, 24 * 40),
        "send": st.booleans(),
        "hold_token": st.booleans(),
        "waive_floor": st.booleans(),
        "reverse": st.booleans(),
    }
)
scenes = st.fixed_dictionaries(
    {
        "tariff": st.sampled_from(sorted(EXAMPLES)),
        "debts": st.lists(debts, max_size=2),
        "seller": st.sampled_from(["utility", "discount", "commission"]),
        "free": st.booleans(),
        "opening_wh": st.none() | st.integers(0, 400_000),
        "sales": st.lists(sales, min_size=1, max_size=4),
    }
)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # making a failing scene smaller would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(scene=scenes)
def test_the_statements_and_the_orm_write_the_same(scene):
    with transaction.atomic():
        supply, operator = _set(scene)
        known = _rows()
        by_statements = _play(scene, supply, operator, known, nullcontext)
        by_orm = _play(scene, supply, operator, known, in_plain_orm)
        transaction.set_rollback(True)
    assert by_statements == by_orm


def test_every_statement_has_a_twin():
    listed = {one for one in vars(statements).values() if isinstance(one, prepared.Statement)}
    assert listed == set(TWINS)


def _set(scene: dict[str, Any]) -> tuple[Any, Any]:
    """Make what the sales find: supply, tariff, debts, who sells."""
    by = console_user()
    supply = make_supply()
    _, rules = EXAMPLES[scene["tariff"]]
    version = publish_version(
        code="scene", name="Scene", valid_from=NOON, rules=rules, by=by, at=NOON
    )
    supply.tariff, supply.connection_va = version.tariff, 10_000
    supply.save()
    for owed in scene["debts"]:
        owner = supply.premises if owed["on_premises"] else supply.customer
        open_debt(
            owner=owner,
            title="Cable",
            amount_minor=owed["amount_minor"],
            terms=owed["terms"],
            by=by,
            at=NOON,
        )
    if scene["free"]:
        enrol(supply)
    if scene["opening_wh"] is not None:
        OpeningUse.objects.create(
            agreement=supply,
            as_of=NOON,
            issued_wh=scene["opening_wh"],
            recorded_at=NOON,
            recorded_by=by,
        )
    if scene["seller"] == "utility":
        return supply, by
    shop = Shop(terms=Contracted(kind=Contract.Kind(scene["seller"]), percent=Decimal(3)))
    shop.buy(80_000)
    shop.open_shift()
    return supply, shop.cashier


def _play(
    scene: dict[str, Any], supply: Any, operator: Any, known: dict[Any, Any], manner: Any
) -> tuple[list[Any], dict[str, Any]]:
    """Make the sales in one manner; return what came of each and all new or changed rows."""
    outcomes: list[Any] = []
    numbers = (f"R{number}" for number in range(1000))
    operator = type(operator).objects.get(pk=operator.pk)
    with (
        manner(),
        mock.patch.object(selling, "_new_receipt_number", side_effect=numbers),
        mock.patch("secrets.randbelow", return_value=0),
        transaction.atomic(),
    ):
        for sale in scene["sales"]:
            at = NOON + timedelta(hours=sale["hours"])
            outcomes.append(_outcome(sale, supply, operator, at))
        written = _difference(known)
        transaction.set_rollback(True)
    forget_accounts()
    return outcomes, written


def _outcome(sale: dict[str, Any], supply: Any, operator: Any, at: Any) -> Any:
    try:
        with transaction.atomic():
            made = services.vend(
                caller="scene",
                message_id=f"m{sale['message']}",
                meter=supply.meter,
                tender_minor=sale["tender_minor"],
                operator=operator,
                at=at,
                send=sale["send"],
                hold_token=sale["hold_token"],
                waive_floor=sale["waive_floor"],
            )
        text = receipts.render_text(receipts.receipt_of(Sale.objects.get(pk=made.pk)))
        if sale["reverse"]:
            with transaction.atomic():
                reversals.reverse(
                    caller="scene",
                    message_id=f"r{sale['message']}",
                    sale=made,
                    by=operator,
                    at=at,
                    reason="scene",
                )
    except Refusal as refused:
        return refused.code, str(refused)
    return text


def _rows() -> dict[Any, Any]:
    """Return every row of the head-end by model and id."""
    return {
        (model, row["pk"]): row
        for model in apps.get_models()
        if model.__module__.startswith("headend.")
        for row in model._default_manager.values(
            *(field.attname for field in model._meta.concrete_fields), pk=_pk()
        )
    }


def _pk() -> Any:
    from django.db.models import F

    return F("pk")


def _difference(known: dict[Any, Any]) -> dict[str, Any]:
    """Return new and changed rows, with ids that do not depend on how often ids were given."""
    now = _rows()
    new = [key for key in now if key not in known]
    # An entry's id is chance; its reference is not.
    new.sort(key=lambda key: (key[0]._meta.label, str(now[key].get("reference", "")), key[1]))
    places: dict[Any, str] = {}
    for model, pk in new:
        number = sum(1 for other, _ in places if other is model)
        places[model, pk] = f"new {number}"
    changed = [key for key in now if key in known and now[key] != known[key]]
    found = {
        f"{model._meta.label} {places.get((model, pk), pk)}": _told(model, now[model, pk], places)
        for model, pk in [*new, *changed]
    }
    found["purses"] = {"left": sum(Purse.objects.values_list("available_minor", flat=True))}
    return {name: row for name, row in found.items() if not name.startswith("vendors.Purse")}


def _told(model: Any, row: dict[str, Any], places: dict[Any, str]) -> dict[str, Any]:
    told = {}
    for field in model._meta.concrete_fields:
        value = row[field.attname]
        target = field.related_model if field.is_relation else model if field.primary_key else None
        if field.attname not in _CHANCE:
            told[field.attname] = places.get((target, value), value) if target else value
    if "object_id" in told:
        acted_on = apps.get_model(row["object_type"])
        told["object_id"] = places.get((acted_on, int(row["object_id"])), row["object_id"])
    return told
