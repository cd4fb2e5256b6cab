"""Acts on trusted people and groups that need a second person.

`headend.accounts.people` asks for these acts where one person is not enough.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission

from headend.accounts import approvals, one_time, second_factor, trusted
from headend.accounts.catalogue import words
from headend.accounts.errors import PeopleRefused, SamePerson
from headend.accounts.models import Approval, GroupRule, User, WaitingPassword
from headend.accounts.trusted import MANAGE
from headend.audit import services as audit

APPROVE = "accounts.approve_people"
TRUST, PASSWORD, FACTORS = "accounts.trust", "accounts.new_password", "accounts.no_factors"
GROUP = "accounts.trust_group"


def requests_about(*, user: User | None = None, group: Group | None = None) -> list[Approval]:
    """Return what waits for a second person about somebody or about a group, oldest first."""
    rows = Approval.objects.filter(state=Approval.OPEN).order_by("requested_at", "pk")
    if user is not None:
        return list(rows.filter(act__in=(TRUST, PASSWORD, FACTORS), arguments__user=user.pk))
    return list(rows.filter(act=GROUP, arguments__group=group.pk)) if group else []


def concerns(approval: Approval) -> int | None:
    """Return the key of the person whom a request is about, if it is about one."""
    return approval.arguments["user"] if approval.act in (TRUST, PASSWORD, FACTORS) else None


def ask_to_trust(
    user: User, groups: Collection[Group], *, activate: bool, by: User, at: datetime
) -> Approval:
    """Ask that somebody may come into trusted groups, or may log in again as one of them.

    Args:
        user: whom.
        groups: those to come into besides the present ones; may be none.
        activate: switch the account on.
        by: who asks; needs accounts.manage_people.
        at: now.

    Raises:
        PeopleRefused: the same is asked for already.
    """
    _refuse_second_request(TRUST, "user", user.pk)
    names = sorted(group.name for group in groups)
    what = [f"be in {', '.join(names)}"] if names else []
    what += ["log in again"] if activate else []
    return approvals.request(
        TRUST,
        {"user": user.pk, "groups": sorted(group.pk for group in groups), "activate": activate},
        by,
        at,
        "ask the person whether the account is theirs and nobody else knows its password",
        f"Let {_called(user)} {' and '.join(what)}",
    )


@approvals.act(
    TRUST,
    title="A person who decides or manages people",
    permission=MANAGE,
    approve_permission=APPROVE,
)
def perform_trust(*, arguments: dict[str, Any], by: User, approved_by: User, at: datetime) -> User:
    """Put somebody into the groups that were asked for; the approver answers for the person."""
    user = _concerned(arguments, approved_by)
    groups = list(Group.objects.filter(pk__in=arguments["groups"]))
    if len(groups) != len(arguments["groups"]):
        raise PeopleRefused("a group of this request is gone; refuse it and ask again")
    user.groups.add(*groups)
    if arguments["activate"]:
        user.is_active = True
        user.save(update_fields=["is_active"])
    trusted.vouch_for(user)
    audit.record(
        actor=by, action="accounts.trust_person", target=user, at=at,
        after={
            "is_active": user.is_active,
            "groups": sorted(user.groups.values_list("name", flat=True)),
            "approved_by": approved_by.username,
        },
    )  # fmt: skip
    return user


def ask_for_password(user: User, password: str, *, by: User, at: datetime) -> Approval:
    """Ask that a trusted person gets a new password; only its hash is kept until then.

    Raises:
        PeopleRefused: a new password waits already.
    """
    _refuse_second_request(PASSWORD, "user", user.pk)
    WaitingPassword.objects.update_or_create(
        user=user, defaults={"encoded": make_password(password)}
    )
    return approvals.request(
        PASSWORD, {"user": user.pk}, by, at,
        "ask the person whether they want it", f"Set a new password for {_called(user)}",
    )  # fmt: skip


@approvals.act(
    PASSWORD,
    title="New password of a trusted person",
    permission=MANAGE,
    approve_permission=APPROVE,
)
def perform_password(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> User:
    """Set the password that was asked for, which serves once; the person's sessions end."""
    user = _concerned(arguments, approved_by)
    waiting = WaitingPassword.objects.get(user=user)
    user.password = waiting.encoded
    user.save(update_fields=["password"])
    waiting.delete()
    one_time.note(user, by=by, at=at)
    trusted.vouch_for(user)
    audit.record(
        actor=by, action="accounts.set_password", target=user, at=at,
        after={"approved_by": approved_by.username},
    )  # fmt: skip
    return user


def forget_refused_passwords() -> None:
    """Delete the hashes of new passwords that were refused or withdrawn."""
    open_ones = Approval.objects.filter(act=PASSWORD, state=Approval.OPEN)
    wanted = [one.arguments["user"] for one in open_ones]
    WaitingPassword.objects.exclude(user__in=wanted).delete()


def ask_to_reset(user: User, *, by: User, at: datetime, reason: str) -> Approval:
    """Ask that a trusted person's second factors are taken away.

    Raises:
        PeopleRefused: the same is asked for already.
    """
    _refuse_second_request(FACTORS, "user", user.pk)
    summary = f"Take all second factors away from {_called(user)}"
    return approvals.request(FACTORS, {"user": user.pk, "why": reason}, by, at, reason, summary)


@approvals.act(
    FACTORS,
    title="Second factor of a trusted person",
    permission=MANAGE,
    approve_permission=APPROVE,
)
def perform_reset(*, arguments: dict[str, Any], by: User, approved_by: User, at: datetime) -> User:
    """Take the second factors away; the person sets up a new one at the next log-in."""
    user = _concerned(arguments, approved_by)
    reason = f"{arguments['why']}; approved by {approved_by.username}"
    second_factor.reset(user, by=by, at=at, reason=reason)
    return user


def ask_to_trust_group(
    group: Group,
    permissions: Collection[Permission],
    *,
    without_second_factor: bool,
    by: User,
    at: datetime,
) -> Approval:
    """Ask that a group's members may decide or manage people, or may do so with less proof.

    Args:
        group: which; it is there.
        permissions: trusted ones that it gets besides those it has; may be none.
        without_second_factor: its members need none any more.
        by: who asks; needs accounts.manage_people.
        at: now.

    Raises:
        PeopleRefused: a change of this group waits already.
    """
    _refuse_second_request(GROUP, "group", group.pk)
    names = sorted(f"{one.content_type.app_label}.{one.codename}" for one in permissions)
    what = [f"may: {'; '.join(words(name) for name in names)}"] if names else []
    what += ["need no second factor"] if without_second_factor else []
    members = sorted(group.user_set.values_list("username", flat=True))
    return approvals.request(
        GROUP,
        {
            "group": group.pk,
            "permissions": names,
            "without_second_factor": without_second_factor,
            "members": members,
        },
        by,
        at,
        f"members now: {', '.join(members) or 'nobody'}",
        f"Members of {group.name} {', and '.join(what)}",
    )


@approvals.act(
    GROUP,
    title="A group that decides or manages people",
    permission=MANAGE,
    approve_permission=APPROVE,
)
def perform_trust_group(
    *, arguments: dict[str, Any], by: User, approved_by: User, at: datetime
) -> Group:
    """Give the group what was asked for, if those who would get it are those who were named."""
    group = Group.objects.filter(pk=arguments["group"]).first()
    if group is None:
        raise PeopleRefused("this group is gone; refuse the request")
    members = set(group.user_set.values_list("username", flat=True))
    if not {by.username, approved_by.username}.isdisjoint(members):
        raise SamePerson("somebody who is not in the group has to ask and to approve")
    if joined := sorted(members - set(arguments["members"])):
        raise PeopleRefused(f"{', '.join(joined)} joined since; refuse it and ask again")
    wanted = trusted.trusted_permissions().select_related("content_type")
    given = [
        one
        for one in wanted
        if f"{one.content_type.app_label}.{one.codename}" in arguments["permissions"]
    ]
    group.permissions.add(*given)
    if arguments["without_second_factor"]:
        GroupRule.objects.filter(group=group).update(needs_second_factor=False)
    audit.record(
        actor=by, action="accounts.trust_group", target=group, at=at,
        after=arguments | {"approved_by": approved_by.username},
    )  # fmt: skip
    return group


def _concerned(arguments: dict[str, Any], approved_by: User) -> User:
    user = User.objects.select_for_update().get(pk=arguments["user"])
    if user == approved_by:
        raise SamePerson("this concerns yourself; somebody else has to decide it")
    return user


def _refuse_second_request(act: str, field: str, key: int) -> None:
    waiting = Approval.objects.filter(state=Approval.OPEN, act=act, **{f"arguments__{field}": key})
    if waiting.exists():
        raise PeopleRefused(
            "the same is waiting for a second person already; withdraw or decide that first"
        )


def _called(user: User) -> str:
    full_name = user.get_full_name()
    return f"{full_name} ({user.username})" if full_name else user.username
