"""Lists of any length."""

import pytest

from headend.customers.models import Customer
from headend.design import paging
from headend.testing import NOON

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("there", "shown", "is_cut"), [(0, 0, False), (5, 5, False), (6, 5, True)]
)
def test_a_list_is_counted_and_shown_up_to_its_limit(monkeypatch, there, shown, is_cut):
    monkeypatch.setattr(paging, "MOST_SHOWN", 5)
    Customer.objects.bulk_create(Customer(name=f"{n}", created_at=NOON) for n in range(there))
    found = paging.LongList(Customer.objects.order_by("name"), 2)
    assert (found.count, found.is_cut) == (shown, is_cut)
    rows = [each.name for number in found.page_range for each in found.page(number)]
    assert rows == [f"{n}" for n in range(shown)]
