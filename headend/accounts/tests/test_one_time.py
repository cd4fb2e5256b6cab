"""A password that somebody else set serves once: to choose an own one."""

import pytest
from django.test import Client

from headend.accounts import approvals, one_time, people
from headend.accounts.errors import PeopleRefused
from headend.accounts.models import OneTimePassword, User
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.opaque import id_of
from headend.testing import NOON

pytestmark = pytest.mark.django_db

OWN, GIVEN, NEW = "own kettle 77 words", "given spoon 88 words", "new lamp 99 words"
CHOOSE = "/account/password/"


@pytest.fixture
def thandi(db):
    return create_user(username="thandi", password=OWN, groups=("cashier",))


def come_in(password, username="thandi"):
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post("/log-in/", {"username": username, "password": password})
    return client


def give(user, by=None):
    people.set_password(user, GIVEN, by=by or console_user(), at=NOON)


def choose(client, password=NEW, again=None):
    return client.post(CHOOSE, {"password": password, "again": again or password})


def test_nothing_is_done_before_an_own_password_is_chosen(thandi, log_in):
    chief = log_in("utility administrator")
    answer = chief.post(f"/people/{id_of(thandi)}/", {"do": "password", "password": GIVEN})
    assert answer.status_code == 302
    client = come_in(GIVEN)
    for page in ("/", "/till/", "/account/", "/second-factor/app/", "/shifts/"):
        answer = client.get(page)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, CHOOSE)
    assert client.post("/shifts/", {}).headers["Location"].startswith(CHOOSE)
    shown = client.get(CHOOSE).content.decode()
    assert "set the password that you came in with" in shown
    assert "Logged in" in shown
    assert "192.0.2.7" in shown
    assert choose(client).headers["Location"] == "/"
    assert client.get("/till/").status_code == 200
    assert client.get(CHOOSE).headers["Location"] == "/"
    assert come_in(GIVEN).get("/").headers["Location"].startswith("/log-in/")
    assert come_in(NEW).get("/till/").status_code == 200
    (entry,) = AuditEntry.objects.filter(action="accounts.change_password")
    assert (entry.actor, entry.before) == (thandi, {"set_by": "utility administrator"})


def test_the_given_password_is_no_own_one_and_weak_ones_are_none(thandi):
    give(thandi)
    client = come_in(GIVEN)
    assert "knows this one" in choose(client, GIVEN).content.decode()
    assert "too short" in choose(client, "short").content.decode()
    assert "not the same" in choose(client, NEW, OWN).content.decode()
    assert client.get("/till/").status_code == 302
    with pytest.raises(PeopleRefused, match="too common"):
        one_time.choose(thandi, "password1234", at=NOON)


def test_whoever_used_it_first_is_seen_by_whose_account_it_is(thandi):
    """An administrator who came in as the cashier leaves a password that serves no more."""
    give(thandi)
    choose(come_in(GIVEN))  # the administrator, at another's desk
    for known in (OWN, GIVEN):
        assert come_in(known).get("/till/").status_code == 302
    give(thandi)  # for the cashier has to ask for another one
    shown = come_in(GIVEN).get(CHOOSE).content.decode()
    assert shown.count("Password set by somebody else") == 2
    assert shown.count("Password chosen by whoever was logged in") == 1


def test_a_new_person_and_one_of_whom_two_answer_choose_theirs_too(db, settings):
    people.create_person(
        username="new", full_name="", email="", groups=[], password=GIVEN, by=console_user(),
        at=NOON,
    )  # fmt: skip
    assert come_in(GIVEN, "new").get("/").headers["Location"].startswith(CHOOSE)
    approver = create_user(username="approver", password=OWN, groups=("approver",))
    admin, second = (
        create_user(username=name, password=None, groups=("utility administrator",))
        for name in ("admin", "second")
    )
    asked = people.set_password(approver, GIVEN, by=admin, at=NOON)
    assert one_time.of(approver) is None  # nothing is set yet
    assert asked is not None
    approvals.approve(asked, second, NOON)
    given = one_time.of(approver)
    assert given is not None
    assert given.by == admin
    # The own password comes before the second factor that approvers set up.
    settings.SECOND_FACTOR = "required"
    client = come_in(GIVEN, "approver")
    assert client.get("/").headers["Location"].startswith(CHOOSE)
    assert choose(client).status_code == 302
    assert client.get("/").headers["Location"].startswith("/second-factor/set-up/")


def test_ones_own_new_password_is_ones_own(db):
    chief = create_user(username="chief", password=OWN, groups=("utility administrator",))
    one_time.note(chief, by=console_user(), at=NOON)
    one_time.note(chief, by=chief, at=NOON)
    assert not OneTimePassword.objects.exists()


def test_everybody_sees_what_was_done_to_their_account(thandi):
    client = come_in(OWN)
    assert "Lately on your account" in client.get("/account/").content.decode()
    other = User.objects.get(username="thandi")
    assert [words for words, _ in one_time.lately(other)] == ["Logged in"]
