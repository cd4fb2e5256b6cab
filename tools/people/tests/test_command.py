"""`prepay people` as whoever keeps the machine calls it."""

import json

import pytest
from click.testing import CliRunner
from django.test import Client

from headend.accounts.models import SecondFactor, User
from headend.accounts.services import create_user
from headend.audit.models import AuditEntry
from headend.testing import NOON
from tools.prepay import main

pytestmark = pytest.mark.django_db
PASSWORD = "a first password"
OTHER = "another fine word"


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch):
    monkeypatch.setattr("tools.people.command._now", lambda: NOON)


def run(*arguments):
    return CliRunner().invoke(main, ["people", *arguments])


def told(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_a_lone_administrator_gets_a_second_one():
    made = told("add", "second", "--group", "utility administrator", "--password", PASSWORD)
    assert made["groups"] == ["utility administrator"]
    assert Client().login(username="second", password=PASSWORD)
    row = AuditEntry.objects.get(action="accounts.create_person")
    assert row.actor is not None
    assert row.actor.username == "console"
    assert PASSWORD not in str(AuditEntry.objects.values_list())


def test_an_approver_is_let_in_again():
    create_user(username="chief", password=None, groups=("utility administrator",))
    user = create_user(username="approver", password=PASSWORD, groups=("auditor",))
    SecondFactor.objects.create(user=user, kind="passkey", name="p", created_at=NOON)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert told("groups", "approver", "--group", "approver")["groups"] == ["approver"]
    told("password", "approver", "--password", OTHER)
    assert told("reset-factors", "approver", "--reason", "lost")["second_factors"] == 0
    assert Client().login(username="approver", password=OTHER)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "x", "--group", "kings", "--password", PASSWORD), "no group is called 'kings'"),
        (("add", "x", "--password", "short"), "too short"),
        (("password", "nobody", "--password", PASSWORD), "nobody logs in as nobody"),
        (("password", "console", "--password", PASSWORD), "nobody logs in as"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments, why):
    done = run(*arguments)
    assert done.exit_code == 1
    assert why in done.output
