"""What is gathered: written together at the end, with the commit if that is all there is to do."""

import pytest
from django.db import connection, transaction

from headend.config import prepared, writing
from headend.testing import NOON
from headend.vendors.models import Contract, Vendor

_COUNT = prepared.Statement("SELECT count(*) FROM vendors_vendor WHERE name = %s")
_NAME_NOBODY = prepared.Statement("UPDATE vendors_vendor SET name = %s WHERE id = -1 RETURNING id")


def vendor(name):
    return writing.new(Vendor, name=name, currency="ZAR", created_at=NOON)


def count(name):
    return prepared.rows(_COUNT, name)[0][0]


@pytest.mark.django_db
def test_what_is_gathered_is_written_at_the_end():
    with writing.gathering():
        writing.save(vendor("C"))
        assert count("C") == 0
    assert count("C") == 1


@pytest.mark.django_db
def test_a_change_that_changes_nothing_is_refused():
    with pytest.raises(writing.RowGone), writing.gathering():
        writing.change(_NAME_NOBODY, "D")


@pytest.mark.django_db
def test_a_gathering_in_another_is_refused():
    with (
        pytest.raises(writing.NestedGathering),
        writing.gathering(),
        writing.gathering(),
    ):
        pass
    assert not writing.is_gathering()


@pytest.mark.django_db
def test_a_new_object_is_as_the_model_would_make_it():
    by_model, made = (
        Vendor(name="E", created_at=NOON),
        writing.new(Vendor, name="E", created_at=NOON),
    )
    known = {key: value for key, value in vars(by_model).items() if key != "_state"}
    assert {key: value for key, value in vars(made).items() if key != "_state"} == known
    made.save()
    contract = writing.new(Contract, vendor=made)
    assert (contract.vendor_id, contract.vendor) == (made.pk, made)


def test_a_new_object_has_no_other_fields():
    with pytest.raises(TypeError, match="colour"):
        writing.new(Vendor, colour="red")


@pytest.mark.django_db(transaction=True)
def test_what_ends_the_transaction_is_committed_with_it():
    with transaction.atomic():
        with writing.gathering(ends_transaction=True):
            writing.save(vendor("F"))
        # Only PostgreSQL commits with the writes; nothing may follow them in either case.
        is_over = connection.vendor == "postgresql"
        if is_over:
            assert connection.connection.info.transaction_status.name == "IDLE"
    assert Vendor.objects.filter(name="F").exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_committed_if_a_row_that_was_to_change_is_gone():
    def sell():
        with transaction.atomic(), writing.gathering(ends_transaction=True):
            writing.save(vendor("G"))
            writing.change(_NAME_NOBODY, "G")

    with pytest.raises(writing.RowGone):
        sell()
    assert not Vendor.objects.filter(name="G").exists()


@pytest.mark.django_db(transaction=True)
def test_within_a_larger_transaction_the_larger_one_decides():
    with transaction.atomic():
        with transaction.atomic(), writing.gathering(ends_transaction=True):
            writing.save(vendor("H"))
        transaction.set_rollback(True)
    assert not Vendor.objects.filter(name="H").exists()
