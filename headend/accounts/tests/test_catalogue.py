"""What may be allowed to a group: all that is asked for, and nothing else."""

import ast
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission

import headend
from headend.accounts import approvals
from headend.accounts.catalogue import AREAS, DUTIES, words
from headend.accounts.groups import GROUPS, NEED_SECOND_FACTOR, matching
from headend.api.scopes import SCOPES
from headend.config.opaque import id_of

pytestmark = pytest.mark.django_db

HEADEND = Path(headend.__file__).parent
# These give permissions to groups and programs; whether one is asked for is for others to tell.
GIVE = {"accounts/catalogue.py", "accounts/groups.py", "api/scopes.py"}


def test_every_permission_that_is_asked_for_is_in_the_catalogue_and_none_else():
    known = {
        f"{app}.{codename}"
        for app, codename in Permission.objects.values_list("content_type__app_label", "codename")
    }
    assert set(DUTIES) == asked_for(known)


def asked_for(known):
    """Return the permissions that pages and services name, but in what they record of acts."""
    found = set()
    for path in HEADEND.rglob("*.py"):
        within = path.relative_to(HEADEND)
        if {"tests", "migrations"} & set(within.parts) or within.as_posix() in GIVE:
            continue
        tree = ast.parse(path.read_text())
        recorded = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg == "action"
            for part in ast.walk(node.value)
        }
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in recorded
        }
    for path in HEADEND.rglob("*.html"):
        found |= {".".join(pair) for pair in re.findall(r"perms\.(\w+)\.(\w+)", path.read_text())}
    return found & known


def test_each_duty_is_named_once_and_in_its_own_words():
    duties = [duty for area in AREAS for duty in area.duties]
    assert len(duties) == len(DUTIES) == len({duty.words for duty in duties})
    assert not [duty for duty in duties if duty.words.startswith("Can ")]


def test_groups_and_programs_are_given_duties_of_the_catalogue_only():
    assert {one for scope in SCOPES.values() for one in scope.permissions} <= set(DUTIES)
    plain = {one for patterns in GROUPS.values() for one in patterns if "*" not in one}
    assert plain <= set(DUTIES)
    idle = Permission.objects.exclude(matching(DUTIES))
    assert not Group.objects.filter(permissions__in=idle).exists()


@pytest.mark.parametrize("name", GROUPS)
def test_what_is_privileged_is_given_to_groups_with_a_second_factor_only(name):
    permissions = Group.objects.get(name=name).permissions.values_list(
        "content_type__app_label", "codename"
    )
    privileged = [one for one in map(".".join, permissions) if DUTIES[one].is_privileged]
    assert bool(privileged) == (name in NEED_SECOND_FACTOR)


def test_approving_is_privileged():
    approvers = {act.approve_permission for act in approvals.acts()}
    assert not [one for one in approvers if not DUTIES[one].is_privileged]


def test_a_permission_without_words_is_called_by_its_name():
    assert words("vending.vend").startswith("Sell electricity")
    assert words("sessions.add_session") == "sessions.add_session"


def test_the_page_of_a_group_says_acts_in_words(log_in):
    cashier = Group.objects.get(name="cashier")
    page = log_in("utility administrator").get(f"/people/groups/{id_of(cashier)}/")
    shown = page.content.decode()
    assert "Sell electricity and take payments of debts" in shown
    assert "Can add" not in shown
    assert shown.count('name="permissions"') == len(DUTIES)
    boxes = {box.duty.permission: box for _, boxes in page.context["areas"] for box in boxes}
    assert boxes["debts.write_off"].needs_second_person
    assert not boxes["vending.vend"].needs_second_person
    assert f"?like={id_of(cashier)}" in shown
