"""A meter that tells another key than the register has is told of until they agree."""

import pytest
from django.urls import reverse

from headend.accounts.services import console_user
from headend.audit.models import AuditEntry
from headend.fleet.models import MeterState, WorkItem
from headend.meters.models import KeyChange, Meter
from headend.testing import NOON, make_supply
from headend.vending import key_changes, key_watch
from headend.vending.tests.key_meters import FieldMeter, load_key
from headend.webhooks import happenings

pytestmark = pytest.mark.django_db


@pytest.fixture
def meter(db):
    made = make_supply().meter
    load_key()
    return made


@pytest.fixture
def tell(django_capture_on_commit_callbacks):
    """Have a meter's report looked at as when it is stored."""

    def tell(meter, **told):
        stored = Meter.objects.get(pk=meter.pk)
        registered = {name: getattr(stored, name) for name in key_watch.TOLD}
        state = MeterState(meter=stored, content=registered | told)
        with django_capture_on_commit_callbacks(execute=True):
            key_changes.confirm_reported(stored, state, NOON)
            key_watch.compare(stored, state, NOON)
        return key_watch.difference(stored)

    return tell


def change(meter):
    made = key_changes.prepare(
        meter, changes={"krn": 2}, by=console_user(), at=NOON, reason="revision"
    )
    return made, key_changes.issue(made, by=console_user(), at=NOON)


@pytest.mark.parametrize("told", [{"krn": 2}, {"ti": 7}, {"sgc": "201458"}])
def test_another_key_is_one_work_item_until_they_agree(meter, tell, told):
    item = tell(meter, **told)
    assert item.kind == "key"
    assert str(next(iter(told.values()))) in item.summary
    assert tell(meter, **told) == item
    assert AuditEntry.objects.filter(action="vending.key_differs").count() == 1
    assert tell(meter) is None
    assert WorkItem.objects.get().closed_at == NOON


def test_a_meter_that_does_not_know_its_group_is_believed(meter, tell):
    assert tell(meter, sgc="000000") is None
    assert tell(meter, sgc="000000", krn=2) is not None


def test_a_key_change_on_its_way_is_nothing_to_look_at(meter, tell):
    change(meter)
    assert tell(meter, krn=1) is None
    assert tell(meter, krn=3) is not None


def test_tokens_typed_after_their_change_was_taken_back_show_and_a_new_change_mends_it(
    meter, tell
):
    field = FieldMeter(meter)
    made, tokens = change(meter)
    key_changes.withdraw(made, by=console_user(), at=NOON, reason="test")
    assert [field.enter(token.digits) for token in tokens][-1] == "Accept"
    assert tell(meter, **field.told()) is not None
    again, _ = change(meter)
    assert tell(meter, **field.told()) is None
    again.refresh_from_db()
    assert (again.state, again.evidence) == ("entered", KeyChange.Evidence.METER)


def test_the_meters_page_and_the_till_say_so(meter, tell, log_in):
    tell(meter, krn=2)
    person = log_in("cashier", "engineer")
    page = person.get(reverse("fleet:meter", args=[meter.drn])).content.decode()
    assert f"Meter {meter.drn} tells that it has revision 2" in page
    for name in ("till:sell", "till:confirm"):
        address = reverse(name, args=[meter.drn])
        till = person.get(address, {"amount": "50"}, follow=True).content.decode()
        assert "This meter will refuse the token" in till


def test_programs_are_told(meter, tell):
    tell(meter, krn=2)
    entries = AuditEntry.objects.filter(action="vending.key_differs")
    (told,) = happenings.of_entries(list(entries))
    assert told.kind == "meter.key_differs"
    assert told.data["meter"] == meter.drn
    assert (told.data["told"]["krn"], told.data["registered"]["krn"]) == (2, 1)
