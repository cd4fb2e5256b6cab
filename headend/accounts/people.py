"""Services that change people and groups. Every change is in the audit record.

What would make somebody trusted, or give away the account of somebody who is, waits for a
second person; the rest of the same change is done at once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q, QuerySet

from headend.accounts import one_time, people_acts, second_factor, trusted
from headend.accounts.catalogue import DUTIES
from headend.accounts.errors import PeopleRefused
from headend.accounts.groups import matching
from headend.accounts.models import Approval, GroupRule, User
from headend.accounts.programs import is_program
from headend.accounts.services import CONSOLE, require
from headend.accounts.trusted import MANAGE, acts_alone
from headend.audit import services as audit


def permissions_to_give() -> QuerySet[Permission]:
    """Return the permissions a group may have: those of the catalogue's duties."""
    return Permission.objects.filter(matching(DUTIES)).select_related("content_type")


def needs_second_factor(group: Group) -> bool:
    """Tell whether a group's members need a second factor."""
    return GroupRule.objects.filter(group=group, needs_second_factor=True).exists()


@transaction.atomic
def create_person(
    *,
    username: str,
    full_name: str,
    email: str,
    groups: Iterable[Group],
    password: str,
    by: User,
    at: datetime,
) -> Approval | None:
    """Create somebody who can log in, with a password that serves once.

    Returns:
        The request to let them into trusted groups, which waits for a second person.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: the name is taken, or a program's, or the password is too weak.
    """
    require(by, MANAGE)
    _require_person(User(username=username))
    if username.lower() == CONSOLE or User.objects.filter(username__iexact=username).exists():
        raise PeopleRefused(f"somebody is called {username} already; choose another user name")
    user = User(username=username, first_name=full_name[:150], email=email)
    one_time.set_checked(user, password)
    user.save()
    one_time.note(user, by=by, at=at)
    given, held = _split(groups, by)
    user.groups.set(given)
    trusted.note_given_password(user, by=by, at=at)
    audit.record(
        actor=by, action="accounts.create_person", target=user, at=at, after=_particulars(user)
    )
    if not held:
        return None
    return people_acts.ask_to_trust(user, held, activate=False, by=by, at=at)


@transaction.atomic
def change_person(
    user: User,
    *,
    full_name: str,
    email: str,
    groups: Iterable[Group],
    is_active: bool,
    by: User,
    at: datetime,
) -> Approval | None:
    """Change who somebody is and what they may do; switching an account off ends its sessions.

    Returns:
        The request to let them into more trusted groups, or to log in again as one of these,
        which waits for a second person. To take away and to switch off needs none.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: it changes the own groups, would leave nobody who manages people, or is a
            program.
    """
    require(by, MANAGE)
    _require_person(user)
    before = _particulars(user)
    groups = list(groups)
    same_groups = {group.pk for group in groups} == set(user.groups.values_list("pk", flat=True))
    if user == by and not (same_groups and is_active):
        raise PeopleRefused("somebody else must change your groups or switch you off")
    if user.username == CONSOLE:
        raise PeopleRefused("the console's user stays as it is")
    user.first_name, user.last_name, user.email = full_name[:150], "", email
    given, held = _split(groups, by, known=set(user.groups.values_list("pk", flat=True)))
    user.groups.set(given)
    needs_two = trusted.person_is_trusted(user) and not acts_alone(by)
    wakes = is_active and not user.is_active and needs_two
    user.is_active = is_active and not wakes
    user.save()
    _require_manager()
    after = _particulars(user)
    if before != after:
        audit.record(
            actor=by, action="accounts.change_person", target=user, at=at,
            before=before, after=after,
        )  # fmt: skip
    if not (held or wakes):
        return None
    return people_acts.ask_to_trust(user, held, activate=wakes, by=by, at=at)


@transaction.atomic
def set_password(user: User, password: str, *, by: User, at: datetime) -> Approval | None:
    """Set somebody's password, which serves once; their sessions end.

    Returns:
        The request that waits for a second person, if the person is trusted.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: the password is too weak, or nobody may log in as this user.
    """
    require(by, MANAGE)
    _require_person(user)
    if user.username == CONSOLE:
        raise PeopleRefused("nobody can log in as the console")
    one_time.set_checked(user, password)
    if trusted.person_is_trusted(user) and not acts_alone(by):
        return people_acts.ask_for_password(user, password, by=by, at=at)
    user.save()
    one_time.note(user, by=by, at=at)
    if acts_alone(by):
        trusted.vouch_for(user)
    trusted.note_given_password(user, by=by, at=at)
    audit.record(actor=by, action="accounts.set_password", target=user, at=at)
    return None


@transaction.atomic
def reset_second_factor(user: User, *, by: User, at: datetime, reason: str) -> Approval | None:
    """Take all second factors from somebody who lost them.

    Returns:
        The request that waits for a second person, if the person is trusted.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: the same waits already.
    """
    require(by, MANAGE)
    if trusted.person_is_trusted(user) and not acts_alone(by):
        return people_acts.ask_to_reset(user, by=by, at=at, reason=reason)
    second_factor.reset(user, by=by, at=at, reason=reason)
    return None


@transaction.atomic
def save_group(
    group: Group | None,
    *,
    name: str,
    permissions: Iterable[Permission],
    needs_second_factor: bool,
    by: User,
    at: datetime,
) -> Approval | None:
    """Create a group, or change what its members may do.

    Args:
        group: the group to change; None creates one.
        name: unique.
        permissions: of those in `permissions_to_give`.
        needs_second_factor: its members work only with one, where this is not a demonstration.
        by: who does it; changes no group that they are in.
        at: now.

    Returns:
        The request for what makes the group trusted, or a trusted group less protected,
        which waits for a second person.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: the name is taken, `by` is in the group, or nobody could manage people.
    """
    require(by, MANAGE)
    namesakes = Group.objects.filter(name__iexact=name)
    if group is not None:
        namesakes = namesakes.exclude(pk=group.pk)
    if namesakes.exists():
        raise PeopleRefused(f"a group is called {name} already; choose another name")
    if group is not None and by.groups.filter(pk=group.pk).exists():
        raise PeopleRefused("somebody else has to change a group that you are in")
    before = _group_particulars(group) if group else None
    group = group or Group()
    group.name = name
    group.save()
    held, lowers = _set_duties(group, permissions, needs_second_factor, by)
    _require_manager()
    audit.record(
        actor=by,
        action="accounts.change_group" if before else "accounts.create_group",
        target=group,
        at=at,
        before=before,
        after=_group_particulars(group),
    )
    if not (held or lowers):
        return None
    return people_acts.ask_to_trust_group(group, held, without_second_factor=lowers, by=by, at=at)


def _set_duties(
    group: Group, permissions: Iterable[Permission], needs_factor: bool, by: User
) -> tuple[list[Permission], bool]:
    """Do what one person may; return what has to wait: permissions, and to need no factor."""
    known = set(group.permissions.values_list("pk", flat=True))
    risky = set(trusted.trusted_permissions().values_list("pk", flat=True)) - known
    if acts_alone(by):
        risky = set()
    wanted = list(permissions)
    held = [one for one in wanted if one.pk in risky]
    group.permissions.set([one for one in wanted if one.pk not in risky])
    lowers = (
        needs_second_factor(group)
        and not needs_factor
        and trusted.group_is_trusted(group)
        and not acts_alone(by)
    )
    GroupRule.objects.update_or_create(
        group=group, defaults={"needs_second_factor": needs_factor or lowers}
    )
    return held, lowers


@transaction.atomic
def delete_group(group: Group, *, by: User, at: datetime) -> None:
    """Delete a group that nobody is in.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: somebody is in it.
    """
    require(by, MANAGE)
    members = group.user_set.count()
    if members:
        raise PeopleRefused(f"{members} people are in {group}; move them to another group first")
    audit.record(
        actor=by, action="accounts.delete_group", target=group, at=at,
        before=_group_particulars(group),
    )  # fmt: skip
    group.delete()


def _split(
    groups: Iterable[Group], by: User, known: Container[int] = ()
) -> tuple[list[Group], list[Group]]:
    """Part groups into those that one person may give, and those that need a second."""
    given: list[Group] = []
    held: list[Group] = []
    for group in groups:
        alone = acts_alone(by) or group.pk in known or not trusted.group_is_trusted(group)
        (given if alone else held).append(group)
    return given, held


def _require_person(user: User) -> None:
    if is_program(user):
        raise PeopleRefused(
            f"{user.username} is a program: nobody logs in as it; its keys, which can be revoked, "
            "are under API keys"
        )


def _require_manager() -> None:
    """Refuse what would leave nobody who can log in and manage people."""
    app, codename = MANAGE.split(".")
    given = Q(
        groups__permissions__codename=codename, groups__permissions__content_type__app_label=app
    )
    remaining = User.objects.filter(given | Q(is_superuser=True), is_active=True)
    if not remaining.exclude(username=CONSOLE).exists():
        raise PeopleRefused("then nobody could manage people any more; leave at least one who can")


def _particulars(user: User) -> dict[str, object]:
    return {
        "full_name": user.get_full_name(),
        "email": user.email,
        "is_active": user.is_active,
        "groups": sorted(user.groups.values_list("name", flat=True)),
    }


def _group_particulars(group: Group) -> dict[str, object]:
    rows = group.permissions.select_related("content_type")
    return {
        "name": group.name,
        "needs_second_factor": needs_second_factor(group),
        "permissions": sorted(f"{one.content_type.app_label}.{one.codename}" for one in rows),
    }
