"""One thing of every kind that a page's address can name, to try who reaches which page."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.contrib.auth.models import Group

from headend.accounts import approvals
from headend.accounts.models import SecondFactor
from headend.accounts.programs import program_named
from headend.accounts.services import console_user, create_user
from headend.api.keys import create_key
from headend.campaigns.tests.conftest import planned
from headend.currencies import services as currencies
from headend.debts import acts as debt_acts
from headend.debts.services import open_debt
from headend.debts.terms import Terms
from headend.engineering import key_orders
from headend.engineering.kinds import kind_named
from headend.engineering.services import order
from headend.exchange import jobs
from headend.fleet.models import Command, WorkItem
from headend.ledger import suspense
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import closings, replacements
from headend.tariffs import services as tariffs
from headend.tariffs.rules import flat
from headend.testing import NOON, make_supply, new_drn
from headend.vending import services as vending
from headend.vending.models import IssuedToken
from headend.vending.tests.key_meters import load_key
from headend.vendors.tests.conftest import Shop
from headend.webhooks import services as webhooks
from headend.webhooks.models import Delivery

LATER = NOON + timedelta(hours=1)


def make_world() -> tuple[dict[str, Any], dict[str, Any]]:
    """Make one of everything.

    Returns:
        Two tables of what addresses name, by the names that their patterns give it: things of the
        utility and of the vendor whose people are tried, and things of another vendor.
    """
    by = console_user()
    supply, moving, old = make_supply(), make_supply(), make_supply()
    shop, other = _shop("Corner Shop", supply), _shop("Other Shop", supply)
    load_key()
    currencies.accept("USD", by=by, at=NOON)
    approver = create_user(username="second", password=None, groups=("approver",))
    debt = open_debt(
        owner=supply.customer, title="Arrears", amount_minor=100_00,
        terms=Terms(method="percent", percent=Decimal(10)), by=by, at=NOON,
    )  # fmt: skip
    draft = tariffs.save_draft(
        draft=None, code="next", name="Next", valid_from=LATER, by=by, at=NOON,
        rules=flat(price_minor_per_kwh=Decimal(100), tax_percent=Decimal(15)),
    )  # fmt: skip
    change = approvals.approve(
        key_orders.order(moving.meter, {"krn": 2}, by=by, at=NOON, reason="revision"),
        approver, NOON,
    )  # fmt: skip
    order(kind_named("meter-test"), supply.meter, {"tests": [0]}, by=by, at=NOON, reason="x")
    vending.vend(
        caller="test", message_id="old", meter=old.meter, tender_minor=50_00, operator=by, at=NOON
    )
    stock = register_meter(drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=by, at=NOON)
    replacement = replacements.replace(
        old, stock, old=replacements.OldMeter(1_000, 500), new_energy_wh=0, by=by, at=LATER,
        reason="burnt",
    )  # fmt: skip
    webhook = webhooks.subscribe(
        program=program_named("crm"), name="CRM", url="https://example.org/hook",
        kinds=["sale.made"], by=by, at=NOON,
    ).webhook  # fmt: skip
    webhooks.send_test(webhook, by=by, at=NOON)
    command = Command.objects.create(
        meter=supply.meter, command="read", requested_by=by, created_at=NOON
    )
    things: dict[str, Any] = {
        "account_code": "cash.tills",
        "agreement_id": supply.pk,
        "approval_id": debt_acts.request_write_off(debt, 1_00, by=by, at=NOON, reason="x").pk,
        "campaign_id": planned(by).pk,
        "change_id": int(change.target_id),
        "command_id": command.public_id,
        "customer_id": supply.customer_id,
        "debt_id": debt.pk,
        "delivery_id": Delivery.objects.get().pk,
        "draft_id": draft.pk,
        "drn": supply.meter.drn,
        "factor_id": SecondFactor.objects.create(
            user=by, kind=SecondFactor.AUTHENTICATOR, name="Phone", created_at=NOON
        ).pk,
        "group_id": Group.objects.create(name="nobody's").pk,
        "item_id": WorkItem.objects.create(kind="x", cause="x", summary="x", opened_at=NOON).pk,
        "job_id": jobs.hand_in(
            "customers",
            BytesIO(b"reference,name\nC-1,Nomsa Dube\n"),
            file_name="sheet.csv",
            dry_run=True,
            by=by,
            at=NOON,
        ).pk,
        "key_id": create_key(
            program="billing", name="x", scopes=["sales:read"], by=by, at=NOON, expires_at=LATER
        ).key.pk,
        "object_id": str(supply.meter_id),
        "payment_id": suspense.enter(
            reference="bank 1", amount_minor=1_00, paid_on=NOON.date(), by=by, at=NOON
        ).pk,
        "token_id": IssuedToken.objects.filter(sale=None).latest("pk").pk,
        "user_id": approver.pk,
        "version_id": supply.tariff.versions.get().pk,
        "webhook_id": webhook.pk,
        "closing": closings.start(moving, by=by, at=LATER, reason="moves", ask_meter=False).number,
        "replacement": replacement.number,
    }
    return things | _of(shop), _of(other)


def _shop(name: str, supply: Any) -> Shop:
    shop = Shop(name)
    shop.buy(100_00)
    shop.shift = shop.open_shift()
    shop.sale = vending.vend(
        caller="test", message_id=name, meter=supply.meter, tender_minor=10_00,
        operator=shop.cashier, at=NOON, hold_token=True,
    )  # fmt: skip
    return shop


def _of(shop: Shop) -> dict[str, Any]:
    return {
        "operator_id": shop.cashier.vendor_operator.pk,
        "receipt_number": shop.sale.receipt_number,
        "shift_id": shop.shift.pk,
        "till_id": shop.till.pk,
        "vendor_id": shop.vendor.pk,
    }
