"""People and groups on their pages: who may, what is refused, and what is recorded."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client

from headend.accounts import people
from headend.accounts.errors import PeopleRefused
from headend.accounts.models import User
from headend.accounts.programs import program_named
from headend.accounts.services import console_user, create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted
from headend.config.opaque import id_of
from headend.testing import NOON

pytestmark = pytest.mark.django_db
PASSWORD = "a first password"


@pytest.fixture
def chief():
    return create_user(username="chief", password=None, groups=("utility administrator",))


@pytest.fixture
def cashier():
    return create_user(username="thandi", password=None, groups=("cashier",))


def group(name):
    return Group.objects.get(name=name)


def permission(name):
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def change(user, by, *, groups=("cashier",), is_active=True):
    return people.change_person(
        user,
        full_name="Thandi M",
        email="t@example.org",
        groups=[group(one) for one in groups],
        is_active=is_active,
        by=by,
        at=NOON,
    )


def test_a_person_is_made_on_the_page_and_can_log_in(log_in):
    client = log_in("utility administrator")
    answer = client.post(
        "/people/new/",
        {
            "username": "pieter", "full_name": "Pieter Botha", "email": "", "password": PASSWORD,
            "groups": [group("cashier").pk],
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.content.decode()
    assert Client().login(username="pieter", password=PASSWORD)
    user = User.objects.get(username="pieter")
    assert user.has_perm("vending.vend")
    row = AuditEntry.objects.get(action="accounts.create_person")
    assert row.after is not None
    assert row.after["groups"] == ["cashier"]
    assert PASSWORD not in str(AuditEntry.objects.values_list())


@pytest.mark.parametrize(
    ("field", "text", "why"),
    [
        ("password", "short", "too short"),
        ("username", "THANDI", "called THANDI already"),
        ("username", "two words", "valid username"),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said(log_in, cashier, field, text, why):
    typed = {"username": "new", "password": PASSWORD} | {field: text}
    answer = log_in("utility administrator").post("/people/new/", typed)
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert User.objects.count() == 2


def test_changing_somebody_is_recorded_with_before_and_after(chief, cashier):
    change(cashier, chief, groups=("auditor",))
    row = AuditEntry.objects.get(action="accounts.change_person")
    assert row.before is not None
    assert row.after is not None
    assert (row.before["groups"], row.after["groups"]) == (["cashier"], ["auditor"])
    change(cashier, chief, groups=("auditor",))
    assert AuditEntry.objects.filter(action="accounts.change_person").count() == 1


def test_nobody_changes_their_own_groups_or_a_group_they_are_in(chief):
    with pytest.raises(PeopleRefused, match="somebody else"):
        change(chief, chief)
    with pytest.raises(PeopleRefused, match="you are in"):
        people.save_group(
            group("utility administrator"), name="all", permissions=[],
            needs_second_factor=False, by=chief, at=NOON,
        )  # fmt: skip


def test_somebody_who_manages_people_always_remains(chief):
    other = create_user(username="other", password=None, groups=("utility administrator",))
    change(other, chief, groups=())
    deputy = console_user()
    with pytest.raises(PeopleRefused, match="stays as it is"):
        change(deputy, chief)
    with pytest.raises(PeopleRefused, match="nobody could manage people"):
        change(chief, deputy, is_active=False)


@pytest.mark.parametrize("path", ["/people/", "/people/new/", "/people/groups/new/"])
def test_only_those_who_manage_people_see_the_pages(log_in, path):
    assert log_in("auditor").get(path).status_code == 403
    assert log_in("utility administrator").get(path).status_code == 200


def test_services_refuse_others_too(cashier):
    for act in (
        lambda: change(cashier, cashier),
        lambda: people.set_password(cashier, PASSWORD, by=cashier, at=NOON),
        lambda: people.delete_group(group("auditor"), by=cashier, at=NOON),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_a_group_is_made_like_another_and_changed_on_its_page(log_in):
    client = log_in("utility administrator")
    pattern = group("cashier")
    page = client.get(f"/people/groups/new/?like={id_of(pattern)}").content.decode()
    assert page.count(" checked") == pattern.permissions.count()
    typed = {
        "name": "night cashier",
        "needs_second_factor": "on",
        "permissions": [permission("vending.vend").pk],
    }
    assert client.post("/people/groups/new/", typed).status_code == 302
    made = group("night cashier")
    assert made.rule.needs_second_factor
    user = create_user(username="n", password=None, groups=("night cashier",))
    assert user.get_all_permissions() == {"vending.vend"}
    client.post(f"/people/groups/{id_of(made)}/", {"name": "night", "permissions": []})
    assert User.objects.get(pk=user.pk).get_all_permissions() == set()
    assert not group("night").rule.needs_second_factor
    assert "are in night" in delete(client, made)
    user.groups.clear()
    delete(client, made)
    assert not Group.objects.filter(pk=made.pk).exists()
    assert list(
        AuditEntry.objects.filter(object_type="auth.group")
        .order_by("pk")
        .values_list("action", flat=True)
    ) == ["accounts.create_group", "accounts.change_group", "accounts.delete_group"]


def delete(client, made):
    return client.post(f"/people/groups/{id_of(made)}/delete/", follow=True).content.decode()


def test_a_group_takes_only_our_own_permissions_and_a_free_name(log_in):
    client = log_in("utility administrator")
    foreign = Permission.objects.get(codename="add_session")
    answer = client.post("/people/groups/new/", {"name": "x", "permissions": [foreign.pk]})
    assert answer.status_code == 422
    answer = client.post("/people/groups/new/", {"name": "Cashier"})
    assert "called Cashier already" in answer.content.decode()


def test_a_new_password_ends_the_persons_sessions(log_in, cashier):
    theirs = Client()
    theirs.force_login(cashier)
    client = log_in("utility administrator")
    answer = client.post(f"/people/{id_of(cashier)}/", {"do": "password", "password": PASSWORD})
    assert answer.status_code == 302
    assert theirs.get("/till/").status_code == 302
    assert Client().login(username="thandi", password=PASSWORD)


def test_switching_somebody_off_on_the_page(log_in, cashier):
    client = log_in("utility administrator")
    page = client.get(f"/people/{id_of(cashier)}/").content.decode()
    assert "thandi" in page
    client.post(f"/people/{id_of(cashier)}/", {"do": "change", "groups": [group("cashier").pk]})
    cashier.refresh_from_db()
    assert not cashier.is_active
    assert client.get(f"/people/{id_of(console_user())}/").status_code == 404


def test_a_program_is_no_person(log_in, chief):
    program = program_named("billing")
    client = log_in("utility administrator")
    page = client.get(f"/people/{id_of(program)}/")
    assert "Nobody logs in as a program" in page.content.decode()
    assert "Set this password" not in page.content.decode()
    typed = {"do": "password", "password": "long enough and unusual 7"}
    client.post(f"/people/{id_of(program)}/", typed)
    with pytest.raises(PeopleRefused, match="api-billing is a program"):
        people.set_password(program, typed["password"], by=chief, at=NOON)
    with pytest.raises(PeopleRefused, match="is a program"):
        people.change_person(
            program, full_name="", email="", groups=(), is_active=True, by=chief, at=NOON
        )
    program.refresh_from_db()
    assert not program.has_usable_password()
    with pytest.raises(PeopleRefused, match="API-mine is a program"):
        people.create_person(
            username="API-mine", full_name="", email="", groups=(), by=chief, at=NOON,
            password=typed["password"],
        )  # fmt: skip


@pytest.mark.parametrize("number", ["9" * 31, "x", "0"])
def test_a_group_that_no_database_can_have_is_refused(log_in, cashier, number):
    client = log_in("utility administrator")
    form = {"do": "change", "full_name": "", "email": "", "groups": [number], "is_active": "on"}
    answer = client.post(f"/people/{id_of(cashier)}/", form)
    assert answer.status_code == 422
