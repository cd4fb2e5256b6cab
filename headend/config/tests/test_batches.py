"""What is made in a batch is written together, has its id before, and is all or nothing."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.config import batches, writing
from headend.customers.models import Customer, Premises
from headend.customers.services import register_customer
from headend.meters.models import Meter
from headend.testing import NOON, make_meter, traffic

pytestmark = pytest.mark.django_db


def register(number):
    return register_customer(
        name=f"Customer {number}", external_reference=f"C-{number}", by=console_user(), at=NOON
    )


def test_all_is_written_at_the_end_with_the_ids_that_were_given():
    there = register(0)
    with transaction.atomic(), batches.batch() as batch:
        made = [register(number) for number in range(1, 120)]
        assert batches.is_kept(made[0])
        assert not batches.is_kept(there)
        assert Customer.objects.count() == 1
        assert len(batch) == 2 * len(made)  # with their audit entries
    assert not batches.is_kept(made[0])
    assert [one.pk for one in Customer.objects.order_by("external_reference")] == [
        one.pk for one in sorted([there, *made], key=lambda one: one.external_reference or "")
    ]
    recorded = AuditEntry.objects.filter(action="customers.register").order_by("pk")
    assert [one.object_id for one in recorded] == [str(one.pk) for one in [there, *made]]
    assert register("after").pk > made[-1].pk


def test_it_is_a_few_statements_however_many_rows():
    def statements(count, begin):
        by = console_user()
        by.get_all_permissions()
        with transaction.atomic(), traffic() as seen, batches.batch():
            for number in range(count):
                register_customer(name="x", external_reference=f"{begin}{number}", by=by, at=NOON)
        return len(seen.statements)

    assert statements(300, "b") < 300 / 10


def test_after_an_error_nothing_is_written():
    with pytest.raises(ZeroDivisionError), transaction.atomic(), batches.batch():
        print(register(1), 1 // 0)
    assert batches.current() is None
    assert not Customer.objects.exists()


def test_what_the_database_refuses_fails_the_whole_batch():
    with pytest.raises(IntegrityError), transaction.atomic(), batches.batch():
        print([register(number) for number in (1, 2, 1)])
    assert not Customer.objects.exists()
    assert not AuditEntry.objects.filter(action="customers.register").exists()


def test_fields_are_checked_all_the_same():
    with transaction.atomic(), batches.batch(), pytest.raises(ValidationError):
        batches.clean(Customer(name="", created_at=NOON))
    transaction.set_rollback(False)


def test_what_stays_the_same_is_asked_once_a_batch():
    asked = []

    def find():
        asked.append(1)
        return 7

    with transaction.atomic(), batches.batch():
        assert [batches.remember("x", find) for _ in range(3)] == [7, 7, 7]
    assert len(asked) == 1
    assert [batches.remember("x", find) for _ in range(2)] == [7, 7]
    assert len(asked) == 3


def test_what_is_there_is_changed_at_the_end():
    there = register(1)
    with transaction.atomic(), batches.batch() as batch:
        assert batches.change(there, name="Another", phone="1")
        assert batches.change(there, phone="2")
        assert (there.name, there.phone, len(batch)) == ("Another", "2", 2)
        assert Customer.objects.get().name == "Customer 1"
    assert Customer.objects.values_list("name", "phone").get() == ("Another", "2")


def test_what_is_not_as_it_was_read_fails_the_whole_batch():
    there, stale = register(1), Customer.objects.get()
    assert batches.change(there, phone="1")
    with pytest.raises(writing.RowGone), transaction.atomic(), batches.batch():
        print(register(2), batches.change(stale, phone="2"))
    assert Customer.objects.values_list("phone").get() == ("1",)
    assert not batches.change(Customer(pk=there.pk, phone="0"), phone="2")


def test_what_is_new_is_written_as_it_was_changed_since():
    with transaction.atomic(), batches.batch():
        batches.change(register(1), phone="7")
    assert Customer.objects.get().phone == "7"


def test_without_a_batch_everything_is_written_at_once():
    premises = Premises(address="1 Long Road")
    batches.save(premises)
    assert Premises.objects.get() == premises
    writing.save(Premises(address="2 Long Road"))
    assert Premises.objects.count() == 2


def test_a_kept_meter_is_written_as_it_was_changed_since():
    with transaction.atomic(), batches.batch():
        meter = make_meter()
    assert Meter.objects.get(pk=meter.pk).status == Meter.Status.INSTALLED
