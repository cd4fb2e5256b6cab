"""Rates: two people, never changed, never overlapping; and what is refused for want of one."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from headend.accounts import approvals
from headend.accounts.errors import SamePerson
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.currencies import queries, services
from headend.currencies.errors import (
    AmountWorthless,
    CurrencyNotAccepted,
    InvalidCurrency,
    InvalidRate,
    NoRateInForce,
    RateTooOld,
)
from headend.currencies.models import Rate
from headend.testing import NOON, make_rate

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def usd(db):
    return services.accept("USD", by=console_user(), at=NOON)


@pytest.fixture
def approver(db):
    return create_user(username="approver", password=None, groups=("approver",))


def propose(currency, base_units="18.25", **more):
    asked: dict[str, Any] = {"units": Decimal(1), "by": console_user(), "at": NOON} | more
    return services.propose_rate(currency, base_units=Decimal(base_units), reason="bank", **asked)


def worth(paid_minor, *, at):
    found = queries.converted(paid_minor, "USD", at=at)
    return found and found.worth_minor


def test_a_rate_takes_two_people(usd, approver):
    asked = propose(usd)
    assert asked.summary == "Exchange rate 1 USD = 18.25 ZAR from approval on; the first one"
    assert not Rate.objects.exists()
    with pytest.raises(SamePerson):
        approvals.approve(asked, console_user(), NOON)
    approvals.approve(asked, approver, NOON + HOUR)
    rate = Rate.objects.get()
    assert (rate.valid_from, rate.proposed_by, rate.approved_by) == (
        NOON + HOUR, console_user(), approver,
    )  # fmt: skip
    told = AuditEntry.objects.get(action="currencies.set_rate").after or {}
    assert told["rate"] == rate.words


def test_the_approver_sees_how_far_it_is_from_the_last(usd):
    make_rate("18.25")
    asked = propose(usd, "182.5", at=NOON + HOUR)
    assert asked.summary.endswith("it was 1 USD = 18.25 ZAR (+900.00 %)")


def test_a_tariff_clerk_proposes_and_a_cashier_does_not(usd):
    clerk = create_user(username="clerk", password=None, groups=("tariff clerk",))
    assert propose(usd, by=clerk).requested_by == clerk
    cashier = create_user(username="cashier", password=None, groups=("cashier",))
    with pytest.raises(NotPermitted):
        propose(usd, by=cashier)
    with pytest.raises(NotPermitted):
        services.accept("EUR", by=clerk, at=NOON)


def test_a_rate_holds_until_the_next_one_begins(usd):
    first = make_rate("18", at=NOON)
    second = make_rate("19", valid_from=NOON + HOUR)
    found = [queries.rate_in_force("USD", at=NOON + n * HOUR / 2) for n in range(3)]
    assert found == [first, first, second]
    ends: Any = queries.with_ends(Rate.objects.order_by("valid_from"))
    assert [one.valid_until for one in ends] == [NOON + HOUR, None]


def test_a_rate_never_begins_in_the_past(usd, approver):
    with pytest.raises(InvalidRate, match="in the past"):
        propose(usd, valid_from=NOON - HOUR)
    asked = propose(usd, valid_from=NOON + HOUR)
    assert "from 2026-11-21 15:00 SAST on" in asked.summary  # the utility's own time
    with pytest.raises(InvalidRate, match="15:00 SAST is over"):
        approvals.approve(asked, approver, NOON + 2 * HOUR)
    assert not Rate.objects.exists()


def test_two_rates_never_begin_at_one_instant(usd, approver):
    begins = NOON + HOUR
    asked = [propose(usd, figure, valid_from=begins) for figure in ("18", "19")]
    approvals.approve(asked[0], approver, NOON)
    with pytest.raises(InvalidRate, match="at the same instant"):
        approvals.approve(asked[1], approver, NOON)
    assert Rate.objects.get().base_units == 18


@pytest.mark.parametrize("figure", ["0", "-1", "NaN", "Infinity", "0.000000001", "10000000000"])
def test_figures_that_are_none_are_refused(usd, figure):
    with pytest.raises(InvalidRate):
        propose(usd, figure)
    with pytest.raises(InvalidRate, match="not a number"):
        services.read_figure("eighteen")
    assert services.read_figure(" 18,25 ") == Decimal("18.25")


def test_the_database_refuses_to_change_a_rate(usd):
    rate = make_rate()
    with pytest.raises(IntegrityError), transaction.atomic():
        Rate.objects.filter(pk=rate.pk).update(base_units=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        rate.delete()


def test_only_currencies_there_are_can_be_accepted(db):
    for code in ("XYZ", "ZAR", "US", "dollar"):
        with pytest.raises(InvalidCurrency):
            services.accept(code, by=console_user(), at=NOON)
    with pytest.raises(InvalidCurrency):
        services.accept("USD", rate_holds_hours=0, by=console_user(), at=NOON)
    assert services.accept("usd", by=console_user(), at=NOON).code == "USD"


def test_money_is_refused_for_want_of_a_rate(usd):
    with pytest.raises(CurrencyNotAccepted, match="EUR is not accepted here; pay in ZAR, USD"):
        queries.converted(10_00, "EUR", at=NOON)
    with pytest.raises(NoRateInForce):
        queries.converted(10_00, "USD", at=NOON)
    make_rate("18.25", rate_holds_hours=24)
    assert worth(10_00, at=NOON + 23 * HOUR) == 182_50
    assert [rate.words for rate in queries.usable(at=NOON + 23 * HOUR)] == ["1 USD = 18.25 ZAR"]
    with pytest.raises(RateTooOld, match="24 hours at most"):
        queries.converted(10_00, "USD", at=NOON + 24 * HOUR)
    assert queries.usable(at=NOON + 24 * HOUR) == []
    services.accept("USD", is_accepted=False, by=console_user(), at=NOON)
    with pytest.raises(CurrencyNotAccepted):
        queries.converted(10_00, "USD", at=NOON)


def test_money_that_is_worth_nothing_is_refused(db):
    make_rate("0.004")
    with pytest.raises(AmountWorthless):
        queries.converted(1_00, "USD", at=NOON)
    with pytest.raises(AmountWorthless):
        queries.converted(0, "USD", at=NOON)
    assert worth(2_50, at=NOON) == 1


def test_money_in_the_base_currency_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert queries.converted(10_00, "", at=NOON) is None
        assert queries.converted(10_00, "ZAR", at=NOON) is None
