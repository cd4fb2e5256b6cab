"""What changes people and groups. Every change is in the audit record."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from headend.accounts.catalogue import DUTIES
from headend.accounts.errors import PeopleRefused
from headend.accounts.groups import matching
from headend.accounts.models import GroupRule, User
from headend.accounts.programs import is_program
from headend.accounts.services import CONSOLE, require
from headend.audit import services as audit

MANAGE = "accounts.manage_people"


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
) -> User:
    """Create somebody who can log in.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: the name is taken, or a program's, or the password is too weak.
    """
    require(by, MANAGE)
    _require_person(User(username=username))
    if User.objects.filter(username__iexact=username).exists():
        raise PeopleRefused(f"somebody is called {username} already; choose another user name")
    user = User(username=username, first_name=full_name[:150], email=email)
    _set_password(user, password)
    user.save()
    user.groups.set(groups)
    audit.record(
        actor=by, action="accounts.create_person", target=user, at=at, after=_particulars(user)
    )
    return user


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
) -> User:
    """Change who somebody is and what they may do; switching an account off ends its sessions.

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
        raise PeopleRefused("somebody else has to change your own groups or switch you off")
    if user.username == CONSOLE:
        raise PeopleRefused("the console's user stays as it is")
    user.first_name, user.last_name, user.email = full_name[:150], "", email
    user.is_active = is_active
    user.save()
    user.groups.set(groups)
    _require_manager()
    after = _particulars(user)
    if before != after:
        audit.record(
            actor=by, action="accounts.change_person", target=user, at=at,
            before=before, after=after,
        )  # fmt: skip
    return user


@transaction.atomic
def set_password(user: User, password: str, *, by: User, at: datetime) -> None:
    """Set somebody's password; their sessions end.

    Raises:
        NotPermitted: `by` may not manage people.
        PeopleRefused: the password is too weak, or nobody may log in as this user.
    """
    require(by, MANAGE)
    _require_person(user)
    if user.username == CONSOLE:
        raise PeopleRefused("nobody logs in as the console")
    _set_password(user, password)
    user.save()
    audit.record(actor=by, action="accounts.set_password", target=user, at=at)


@transaction.atomic
def save_group(
    group: Group | None,
    *,
    name: str,
    permissions: Iterable[Permission],
    needs_second_factor: bool,
    by: User,
    at: datetime,
) -> Group:
    """Create a group, or change what its members may do.

    Args:
        group: the group to change; None creates one.
        name: unique.
        permissions: of those in `permissions_to_give`.
        needs_second_factor: its members work only with one, where this is not a demonstration.
        by: who does it; changes no group that they are in.
        at: now.

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
    group.permissions.set(permissions)
    GroupRule.objects.update_or_create(
        group=group, defaults={"needs_second_factor": needs_second_factor}
    )
    _require_manager()
    audit.record(
        actor=by,
        action="accounts.change_group" if before else "accounts.create_group",
        target=group,
        at=at,
        before=before,
        after=_group_particulars(group),
    )
    return group


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


def _require_person(user: User) -> None:
    if is_program(user):
        raise PeopleRefused(
            f"{user.username} is a program: nobody logs in as it; its keys, which can be revoked, "
            "are under API keys"
        )


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PeopleRefused(" ".join(error.messages)) from None
    user.set_password(password)


def _require_manager() -> None:
    """Refuse what would leave nobody who can log in and manage people."""
    app, codename = MANAGE.split(".")
    given = Q(
        groups__permissions__codename=codename, groups__permissions__content_type__app_label=app
    )
    remaining = User.objects.filter(given | Q(is_superuser=True), is_active=True)
    if not remaining.exclude(username=CONSOLE).exists():
        raise PeopleRefused("then nobody could manage people any more; leave one who can")


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
