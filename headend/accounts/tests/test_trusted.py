"""One person alone is never two: who makes, unlocks or empowers those who decide."""

import pytest
from django.contrib.auth.models import Group, Permission

from headend.accounts import approvals, people, people_acts, second_factor, trusted
from headend.accounts.errors import PeopleRefused, SamePerson
from headend.accounts.models import Approval, SecondFactor, User, WaitingPassword
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.testing import NOON

pytestmark = pytest.mark.django_db
PASSWORD = "a first password"
OTHER = "another fine word"


@pytest.fixture
def chief():
    return create_user(username="chief", password=None, groups=("utility administrator",))


@pytest.fixture
def approver():
    return create_user(username="approver", password=PASSWORD, groups=("approver",))


@pytest.fixture
def second():
    return create_user(username="second", password=None, groups=("approver",))


def group(name):
    return Group.objects.get(name=name)


def permissions(*names):
    return [
        Permission.objects.get(content_type__app_label=app, codename=codename)
        for app, codename in (name.split(".") for name in names)
    ]


def make(by, *groups, username="new"):
    waiting = people.create_person(
        username=username, full_name="", email="", groups=[group(one) for one in groups],
        password=PASSWORD, by=by, at=NOON,
    )  # fmt: skip
    return User.objects.get(username=username), waiting


def change(user, by, *groups, is_active=True):
    return people.change_person(
        user, full_name="", email="", groups=[group(one) for one in groups],
        is_active=is_active, by=by, at=NOON,
    )  # fmt: skip


def save(found, by, *names, name="night", needs_second_factor=True):
    return people.save_group(
        found, name=name, permissions=permissions(*names),
        needs_second_factor=needs_second_factor, by=by, at=NOON,
    )  # fmt: skip


def approve(waiting, by):
    approvals.approve(waiting, by, NOON)


def refuse(waiting, by):
    approvals.refuse(waiting, by, NOON, "nobody knows of it")


def groups_of(user):
    return set(user.groups.values_list("name", flat=True))


def may(user, permission):
    return User.objects.get(pk=user.pk).has_perm(permission)


def test_those_who_decide_or_manage_people_are_trusted():
    found = {one.name for one in Group.objects.all() if trusted.group_is_trusted(one)}
    assert found == {"utility administrator", "approver", "engineer"}


@pytest.mark.parametrize("name", ["approver", "utility administrator"])
def test_a_new_trusted_person_waits_for_a_second_one(chief, approver, name):
    user, waiting = make(chief, "cashier", name)
    assert groups_of(user) == {"cashier"}
    with pytest.raises(SamePerson):
        approve(waiting, chief)
    approve(waiting, approver)
    assert groups_of(user) == {"cashier", name}
    row = AuditEntry.objects.get(action="accounts.trust_person")
    assert (row.after or {})["approved_by"] == "approver"


def test_a_person_who_decides_nothing_is_made_by_one(chief):
    user, waiting = make(chief, "cashier", "tariff clerk")
    assert waiting is None
    assert groups_of(user) == {"cashier", "tariff clerk"}


def test_coming_into_a_trusted_group_waits_and_going_does_not(chief, approver, second):
    user, _ = make(chief, "cashier")
    waiting = change(user, chief, "auditor", "approver")
    assert groups_of(user) == {"auditor"}
    with pytest.raises(PeopleRefused, match="waiting for a second person already"):
        change(user, chief, "auditor", "approver")
    refuse(waiting, approver)
    assert groups_of(user) == {"auditor"}
    assert change(second, chief, "cashier") is None
    assert groups_of(second) == {"cashier"}


def test_switching_off_takes_one_person_and_on_again_two(chief, approver, second):
    assert change(approver, chief, "approver", is_active=False) is None
    waiting = change(approver, chief, "approver")
    approver.refresh_from_db()
    assert not approver.is_active
    approve(waiting, second)
    approver.refresh_from_db()
    assert approver.is_active


@pytest.mark.parametrize("is_active", [True, False])
def test_the_password_of_a_trusted_person_waits(chief, approver, second, is_active):
    User.objects.filter(pk=approver.pk).update(is_active=is_active)
    approver.refresh_from_db()
    waiting = people.set_password(approver, OTHER, by=chief, at=NOON)
    assert User.objects.get(pk=approver.pk).check_password(PASSWORD)
    assert OTHER not in str(Approval.objects.values_list()) + str(AuditEntry.objects.values_list())
    with pytest.raises(NotPermitted if not is_active else SamePerson):
        approve(waiting, approver)
    approve(waiting, second)
    assert User.objects.get(pk=approver.pk).check_password(OTHER)
    assert not WaitingPassword.objects.exists()


def test_a_refused_password_is_forgotten(chief, approver, second):
    waiting = people.set_password(approver, OTHER, by=chief, at=NOON)
    people_acts.forget_refused_passwords()
    assert WaitingPassword.objects.exists()
    refuse(waiting, second)
    people_acts.forget_refused_passwords()
    assert not WaitingPassword.objects.exists()
    assert User.objects.get(pk=approver.pk).check_password(PASSWORD)


def test_the_second_factor_of_a_trusted_person_waits(chief, approver, second):
    SecondFactor.objects.create(user=approver, kind="passkey", name="p", created_at=NOON)
    waiting = people.reset_second_factor(approver, by=chief, at=NOON, reason="lost")
    assert second_factor.has_any(approver)
    with pytest.raises(SamePerson, match="yourself"):
        approve(waiting, approver)
    approve(waiting, second)
    assert not second_factor.has_any(approver)
    row = AuditEntry.objects.get(action="accounts.reset_second_factor")
    assert row.reason == "lost; approved by second"


def test_who_set_a_password_alone_decides_nothing_of_what_that_person_asks_for(chief, second):
    colleague = create_user(username="col", password=None, groups=("utility administrator",))
    user, _ = make(chief, "cashier")
    user.user_permissions.set(permissions("vending.reallocate"))
    asked = Approval.objects.create(
        act="vending.reallocate", arguments={}, summary="Move", requested_by=user,
        requested_at=NOON,
    )  # fmt: skip
    with pytest.raises(SamePerson, match="set the password"):
        refuse(asked, chief)
    refuse(asked, colleague)
    assert asked.summary


def test_neither_decides_who_got_the_password_from_the_asker(chief):
    user, _ = make(chief)
    user.groups.add(group("approver"))  # as an installation of before may have it
    _, waiting = make(chief, "approver", username="third")
    with pytest.raises(SamePerson, match="set the password of new"):
        approve(waiting, user)


def test_a_second_person_who_answers_for_somebody_makes_them_a_second_person(chief, approver):
    user, waiting = make(chief, "approver")
    approve(waiting, approver)
    _, waiting = make(chief, "approver", username="third")
    approve(waiting, user)
    assert groups_of(User.objects.get(username="third")) == {"approver"}


def test_the_console_acts_alone_and_the_record_tells(chief):
    console = console_user()
    user, waiting = make(console, "utility administrator")
    assert waiting is None
    assert people.set_password(user, OTHER, by=console, at=NOON) is None
    assert people.reset_second_factor(user, by=console, at=NOON, reason="lost") is None
    assert save(group("approver"), console, "vending.view_sale", name="approver") is None
    assert may(user, trusted.MANAGE)
    acts = AuditEntry.objects.filter(actor=console).values_list("action", flat=True)
    assert {"accounts.create_person", "accounts.set_password"} <= set(acts)


@pytest.mark.parametrize("username", ["console", "Console"])
def test_nobody_is_made_who_would_pass_for_the_console(chief, username):
    with pytest.raises(PeopleRefused, match="already"):
        make(chief, username=username)


def test_a_group_gets_what_makes_it_trusted_from_two(chief, approver):
    waiting = save(None, chief, "vending.vend", "debts.approve_write_off")
    user, _ = make(chief, "night")
    assert may(user, "vending.vend")
    assert not may(user, "debts.approve_write_off")
    with pytest.raises(PeopleRefused, match="new joined since"):
        approve(waiting, approver)
    refuse(waiting, approver)
    waiting = save(group("night"), chief, "vending.vend", "debts.approve_write_off")
    approve(waiting, approver)
    assert may(user, "debts.approve_write_off")
    assert save(group("night"), chief, "vending.vend") is None
    assert not may(user, "debts.approve_write_off")


def test_nobody_approves_more_for_a_group_they_are_in(chief, approver):
    held = group("approver").permissions.all()
    names = [f"{one.content_type.app_label}.{one.codename}" for one in held]
    waiting = save(group("approver"), chief, *names, trusted.MANAGE, name="approver")
    with pytest.raises(SamePerson, match="not in the group"):
        approve(waiting, approver)
    assert not may(approver, trusted.MANAGE)


def test_a_trusted_group_is_freed_of_its_second_factor_by_two(chief):
    held = group("approver").permissions.all()
    names = [f"{one.content_type.app_label}.{one.codename}" for one in held]
    settings = {"name": "approver", "needs_second_factor": False}
    waiting = save(group("approver"), chief, *names, **settings)
    assert people.needs_second_factor(group("approver"))
    colleague = create_user(username="col", password=None, groups=("utility administrator",))
    approve(waiting, colleague)
    assert not people.needs_second_factor(group("approver"))


def test_the_pages_say_that_it_waits(log_in, approver):
    client = log_in("utility administrator")
    address = f"/people/{id_of(approver)}/"
    page = client.get(address).content.decode()
    assert "Ask for this password" in page
    answer = client.post(address, {"do": "password", "password": OTHER}, follow=True)
    page = answer.content.decode()
    assert page.count("Set a new password for approver") == 2  # told, and shown until decided
    assert "waits for a second person" in page
    inbox = client.get("/approvals/").content.decode()
    assert "New password of a trusted person" in inbox
    typed = {"name": "night", "permissions": [permissions(trusted.MANAGE)[0].pk]}
    page = client.post("/people/groups/new/", typed, follow=True).content.decode()
    assert "waits for a second person" in page
    page = client.get(f"/people/groups/{id_of(group('night'))}/").content.decode()
    assert "Members of night may: Manage people and groups" in page
