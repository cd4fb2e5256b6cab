"""Programs that act in their own name: users nobody can log in as, whose names begin with api-."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet

from headend.accounts.errors import InvalidProgram
from headend.accounts.models import User
from headend.accounts.services import create_user

_PREFIX = "api-"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")

Holds = Callable[[User, User], bool]
_holders: list[Holds] = []


def programs() -> QuerySet[User]:
    """Return all programs, by name."""
    return User.objects.filter(username__startswith=_PREFIX).order_by("username")


def is_program(user: User) -> bool:
    """Tell whether a user is a program: its name says so, in whatever case it is written."""
    return user.username.lower().startswith(_PREFIX)


def holder(holds: Holds) -> Holds:
    """Register what says of a user and a person whether the person was shown the user's secret."""
    _holders.append(holds)
    return holds


def can_act_as(person: User, other: User) -> bool:
    """Tell whether a person ever knew a secret of another user: a key, a password."""
    return any(holds(other, person) for holds in _holders)


def program_named(name: str) -> User:
    """Return a program; it is created when it is named first.

    Args:
        name: short: lower case letters, digits and hyphens.

    Raises:
        InvalidProgram: it is no such name.
    """
    if not _NAME.fullmatch(name):
        raise InvalidProgram(
            f"a program's name is 2 to 41 lower case letters, digits and hyphens, not {name!r}"
        )
    username = f"{_PREFIX}{name}"
    user = User.objects.filter(username=username).first()
    return user or create_user(username=username, password=None)


def grant(program: User, permissions: Iterable[str]) -> None:
    """Give a program permissions of its own, besides those that it has.

    Args:
        program: whom.
        permissions: as Django writes them, for example "vending.vend".
    """
    wanted = Q(pk__in=[])
    for permission in permissions:
        app, codename = permission.split(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    program.user_permissions.add(*Permission.objects.filter(wanted))
