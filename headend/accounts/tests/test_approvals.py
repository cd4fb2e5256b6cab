"""Two people for one act: who may ask, who may agree, and that it is done once."""

import re

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import DatabaseError, transaction

from headend.accounts import approval_views as views
from headend.accounts import approvals, trusted
from headend.accounts.errors import AlreadyDecided, SamePerson, UnknownAct
from headend.accounts.models import Approval
from headend.accounts.services import create_user
from headend.audit.models import AuditEntry
from headend.config.errors import NotPermitted, Refusal
from headend.config.opaque import id_of
from headend.testing import NOON

pytestmark = pytest.mark.django_db

ACT = "test.rename_group"
MAY_ASK, MAY_APPROVE = "auth.change_group", "auth.delete_group"


class NameTaken(Refusal):
    """What the act of these tests refuses."""

    code = "name_taken"


@pytest.fixture(autouse=True)
def rename_group(monkeypatch):
    """Register an act that renames a group, for the time of a test."""
    monkeypatch.setattr(approvals, "_acts", dict(approvals._acts))

    @approvals.act(ACT, permission=MAY_ASK, approve_permission=MAY_APPROVE)
    def perform(*, arguments, by, approved_by, at):
        group = Group.objects.get(pk=arguments["group"])
        group.name = arguments["name"]
        group.save()
        if group.name == "taken":
            raise NameTaken("that name is taken")
        return group


@pytest.fixture
def group():
    return Group.objects.create(name="before")


def person(username, *permissions):
    user = create_user(username=username, password=None)
    codenames = [one.rpartition(".")[2] for one in (*permissions, "accounts.view_approval")]
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def maker():
    return person("maker", MAY_ASK, MAY_APPROVE)


@pytest.fixture
def checker():
    return person("checker", MAY_APPROVE)


@pytest.fixture
def asked(maker, group):
    return approvals.request(
        ACT, {"group": group.pk, "name": "after"}, maker, NOON, "it is wrong", "Rename a group"
    )


def name_of(group):
    return Group.objects.get(pk=group.pk).name


def test_it_is_done_when_a_second_person_approves(asked, checker, group):
    assert name_of(group) == "before"
    approvals.approve(asked, checker, NOON)
    assert name_of(group) == "after"
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by, asked.decided_at) == ("approved", checker, NOON)
    assert (asked.target_type, asked.target_id) == ("auth.group", str(group.pk))


def test_the_maker_is_never_the_checker(asked, maker, group):
    for decide in (
        lambda: approvals.approve(asked, maker, NOON),
        lambda: approvals.refuse(asked, maker, NOON, "no"),
    ):
        with pytest.raises(SamePerson, match="somebody else"):
            decide()
    assert name_of(group) == "before"


@pytest.mark.parametrize("state", ["approved", "refused"])
def test_the_database_refuses_one_person_in_both_roles(asked, maker, state):
    change = {"state": state, "decided_by": maker, "decided_at": NOON}
    with pytest.raises(DatabaseError, match="approval_by_a_second_person"), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(**change)


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": {"group": 0, "name": "mine"}},
        {"act": "other"},
        {"summary": "harmless"},
        {"reason": "another"},
    ],
)
def test_what_was_asked_for_cannot_be_changed_under_the_checker(asked, change):
    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(**change)


def test_a_decision_is_final_and_kept(asked, checker):
    approvals.refuse(asked, checker, NOON, "no")
    with pytest.raises(DatabaseError, match="final"), transaction.atomic():
        Approval.objects.filter(pk=asked.pk).update(state="approved")
    with pytest.raises(DatabaseError, match="keeps its rows"), transaction.atomic():
        asked.delete()


def test_it_is_decided_once(asked, checker, maker, group):
    approvals.approve(asked, checker, NOON)
    for again in (
        lambda: approvals.approve(asked, checker, NOON),
        lambda: approvals.refuse(asked, checker, NOON, "no"),
        lambda: approvals.withdraw(asked, maker, NOON),
    ):
        with pytest.raises(AlreadyDecided, match="approved already"):
            again()


def test_what_is_refused_or_withdrawn_is_not_done(asked, checker, maker, group):
    approvals.refuse(asked, checker, NOON, "the old name is right")
    second = approvals.request(
        ACT, {"group": group.pk, "name": "after"}, maker, NOON, "really", "Rename a group"
    )
    with pytest.raises(NotPermitted, match="only maker"):
        approvals.withdraw(second, checker, NOON)
    approvals.withdraw(second, maker, NOON)
    assert name_of(group) == "before"
    assert set(Approval.objects.values_list("state", flat=True)) == {"refused", "withdrawn"}


def test_an_act_that_refuses_leaves_its_request_open(maker, checker, group):
    asked = approvals.request(
        ACT, {"group": group.pk, "name": "taken"}, maker, NOON, "because", "Rename a group"
    )
    with pytest.raises(NameTaken):
        approvals.approve(asked, checker, NOON)
    asked.refresh_from_db()
    assert (asked.state, name_of(group)) == ("open", "before")


def test_asking_and_approving_need_their_permissions(asked, group):
    nobody = person("nobody")
    with pytest.raises(NotPermitted):
        approvals.request(ACT, {}, nobody, NOON, "", "")
    with pytest.raises(NotPermitted):
        approvals.approve(asked, nobody, NOON)
    with pytest.raises(NotPermitted):
        approvals.refuse(asked, nobody, NOON, "no")


def test_who_may_not_ask_any_more_gets_nothing_done(asked, maker, checker, group):
    maker.is_active = False
    maker.save()
    with pytest.raises(NotPermitted, match="maker"):
        approvals.approve(asked, checker, NOON)
    assert name_of(group) == "before"


def test_unknown_acts_are_refused(maker):
    with pytest.raises(UnknownAct, match="no act is called other"):
        approvals.request("other", {}, maker, NOON, "", "")


def test_everything_is_in_the_audit_record(asked, checker, maker):
    approvals.approve(asked, checker, NOON)
    rows = AuditEntry.objects.filter(object_type="accounts.approval", object_id=str(asked.pk))
    assert [(row.action, row.actor) for row in rows.order_by("pk")] == [
        ("approvals.request", maker),
        ("approvals.approve", checker),
    ]
    after = rows.get(action="approvals.request").after or {}
    assert after["arguments"]["name"] == "after"


@pytest.fixture
def page(client, at_noon):
    def page(user, *, path="/approvals/", **posted):
        client.force_login(user)
        answer = client.post(path, posted) if posted else client.get(path)
        return answer.status_code, answer.content.decode()

    return page


def test_the_inbox_shows_each_their_own(asked, maker, checker, page):
    assert "For you to decide" in page(checker)[1]
    assert "Rename a group" in page(checker)[1]
    assert "Yours, waiting" in page(maker)[1]
    assert "Rename a group" not in page(person("outsider"))[1]
    status, _ = page(person("outsider 2"), path=f"/approvals/{id_of(asked)}/")
    assert status == 404


@pytest.mark.parametrize("gave_to", ["maker", "checker"])
def test_who_knew_the_other_ones_password_is_not_asked_to_decide(
    asked, maker, checker, page, gave_to
):
    gave, got = (checker, maker) if gave_to == "maker" else (maker, checker)
    trusted.note_given_password(got, by=gave, at=NOON)
    inbox = page(checker)[1]
    assert "Nothing waits for you" in inbox
    assert "For somebody else to decide" in inbox
    assert views.waiting_for(checker) == 0
    assert "Approve and do it now" not in page(checker, path=f"/approvals/{id_of(asked)}/")[1]


def test_an_auditor_sees_what_others_decide(asked, page):
    inbox = page(person("auditor", approvals.SEES_ALL))[1]
    assert "For somebody else to decide" in inbox
    assert "Rename a group" in inbox


def test_the_page_approves(asked, checker, page, group):
    path = f"/approvals/{id_of(asked)}/"
    assert "Approve and do it now" in page(checker, path=path)[1]
    assert page(checker, path=path, decision="approve")[0] == 302
    assert name_of(group) == "after"
    assert "Approved" in page(checker)[1]


def test_the_page_offers_the_maker_only_to_withdraw(asked, maker, page, group):
    path = f"/approvals/{id_of(asked)}/"
    text = page(maker, path=path)[1]
    assert "Withdraw" in text
    assert "Approve and do it now" not in text
    status, text = page(maker, path=path, decision="approve")
    assert status == 422
    assert "somebody else has to decide it" in text
    assert page(maker, path=path, decision="withdraw")[0] == 302


def test_the_page_says_that_somebody_else_was_quicker(asked, checker, page):
    path = f"/approvals/{id_of(asked)}/"
    approvals.approve(asked, person("quicker", MAY_APPROVE), NOON)
    status, text = page(checker, path=path, decision="approve")
    assert status == 422
    assert "is approved already" in text


def test_the_page_says_that_what_its_act_refuses_stays_open(maker, checker, group, page):
    asked = approvals.request(
        ACT, {"group": group.pk, "name": "taken"}, maker, NOON, "because", "Rename a group"
    )
    status, text = page(checker, path=f"/approvals/{id_of(asked)}/", decision="approve")
    assert status == 422
    assert "the request stays open" in text


def test_the_page_names_who_may_decide_or_says_that_nobody_can(asked, maker, checker, page):
    path = f"/approvals/{id_of(asked)}/"
    checker.user_permissions.clear()
    assert "Nobody else may decide on this now" in page(maker, path=path)[1]
    role = Group.objects.create(name="role")
    role.permissions.set(Permission.objects.filter(codename="delete_group"))
    checker.groups.set([role])
    assert "checker may decide on this" in page(maker, path=path)[1]
    checker.is_active = False
    checker.save()
    assert "Nobody else may decide on this now" in page(maker, path=path)[1]


def test_a_refusal_on_the_page_needs_a_reason(asked, checker, page):
    path = f"/approvals/{id_of(asked)}/"
    status, text = page(checker, path=path, decision="refuse")
    assert status == 422
    assert "so that who asked knows" in text
    assert page(checker, path=path, decision="refuse", reason="no")[0] == 302


def test_the_navigation_counts_what_waits_for_somebody(asked, maker, checker, page):
    waits = re.compile(r'class="count">1<')
    assert waits.search(page(checker)[1])
    assert not waits.search(page(maker)[1])
    assert not waits.search(page(person("outsider"))[1])
    approvals.refuse(asked, checker, NOON, "no")
    assert not waits.search(page(checker)[1])


def test_the_inbox_needs_its_permission(client):
    client.force_login(create_user(username="c", password=None, groups=("cashier",)))
    assert client.get("/approvals/").status_code == 403
