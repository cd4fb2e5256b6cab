"""What is known of a customer, and how it changes."""

import pytest

from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.customers.errors import InvalidAgreement, InvalidCustomer
from headend.customers.models import Customer
from headend.customers.services import change_customer, open_agreement, register_customer
from headend.testing import NOON, make_meter, make_tariff

pytestmark = pytest.mark.django_db


def register(**details):
    return register_customer(**({"name": "Nomsa Dube"} | details), by=console_user(), at=NOON)


def test_a_reference_is_of_one_customer_and_none_of_many():
    register(external_reference="C-1")
    with pytest.raises(InvalidCustomer, match="reference"):
        register(external_reference="C-1")
    register()
    register()
    assert Customer.objects.count() == 3


@pytest.mark.parametrize("details", [{"name": ""}, {"name": "x" * 151}, {"email": "no address"}])
def test_what_makes_no_sense_is_refused(details):
    with pytest.raises(InvalidCustomer):
        register(**details)


def test_a_change_is_recorded_with_what_was_before():
    customer = register(phone="1")
    assert change_customer(customer, by=console_user(), at=NOON, phone="2", name="Nomsa Dube")
    assert not change_customer(customer, by=console_user(), at=NOON, phone="2")
    entry = AuditEntry.objects.get(action="customers.change")
    assert (entry.before, entry.after) == ({"phone": "1"}, {"phone": "2"})
    with pytest.raises(InvalidCustomer):
        change_customer(customer, by=console_user(), at=NOON, name="")
    with pytest.raises(NotPermitted):
        change_customer(customer, by=create_user(username="c", password=None), at=NOON, phone="3")
    customer.refresh_from_db()
    assert (customer.name, customer.phone) == ("Nomsa Dube", "2")


def test_an_agreement_may_have_begun_elsewhere_but_not_later_than_now():
    meter, tariff, customer = make_meter(), make_tariff(), register()

    def begin(since):
        return open_agreement(
            customer=customer,
            address="1 Test Road",
            meter=meter,
            tariff=tariff,
            by=console_user(),
            at=NOON,
            since=since,
        )

    with pytest.raises(InvalidAgreement, match="later than now"):
        begin(NOON.replace(day=22))
    assert begin(NOON.replace(year=2019)).started_at.year == 2019
