"""A vendor with a contract, a till, people and credit."""

from __future__ import annotations

from decimal import Decimal

import pytest

from headend.accounts import approvals
from headend.accounts.services import console_user, create_user
from headend.testing import NOON, make_supply
from headend.vending import services as vending
from headend.vending.models import Sale
from headend.vendors import acts, services, shifts
from headend.vendors.models import Contract, Shift, Vendor

FREE = services.Terms(kind=Contract.Kind.DISCOUNT, percent=Decimal(0))


class Shop:
    """One vendor and what tests do with it."""

    shift: Shift
    sale: Sale

    def __init__(self, name: str = "Corner Shop", terms: services.Terms = FREE) -> None:
        self.by = console_user()
        self.vendor: Vendor = services.register_vendor(
            name=name, tax_number="TX-1", by=self.by, at=NOON
        )
        services.agree_contract(self.vendor, terms, by=self.by, at=NOON)
        self.vendor.refresh_from_db()
        self.till = services.add_till(self.vendor, name="Counter 1", by=self.by, at=NOON)
        slug = name.lower().replace(" ", "-")
        self.cashier = self.person(f"{slug}-cashier", "vendor cashier")
        self.manager = self.person(f"{slug}-manager", "vendor manager")
        self.payments = 0

    def person(self, username, *groups, till=None):
        user = create_user(username=username, password=None, groups=groups)
        services.add_operator(self.vendor, user, by=self.by, at=NOON, till=till)
        return user

    def buy(self, paid_minor, *, reference=None):
        approval = self.ask_for_credit(paid_minor, reference=reference)
        approver = create_user(
            username=f"approver-{approval.pk}", password=None, groups=("approver",)
        )
        return approvals.approve(approval, approver, NOON)

    def ask_for_credit(self, paid_minor, *, reference=None):
        self.payments += 1
        return acts.request_purchase(
            self.vendor,
            paid_minor=paid_minor,
            payment_reference=reference or f"{self.vendor.name} {self.payments}",
            by=self.manager,
            at=NOON,
        )

    def open_shift(self, user=None, till=None, float_minor=0):
        return shifts.open_shift(
            till=till or self.till, float_minor=float_minor, by=user or self.cashier, at=NOON
        )

    def sell(self, tender_minor, supply, *, by=None, message_id=None, at=NOON):
        self.payments += 1
        by = by or self.cashier
        return vending.vend(
            caller=f"user:{by.pk}",
            message_id=message_id or f"m{self.payments}",
            meter=supply.meter,
            tender_minor=tender_minor,
            operator=by,
            at=at,
        )


@pytest.fixture
def supply(db):
    return make_supply()


@pytest.fixture
def shop(supply):
    return Shop()
