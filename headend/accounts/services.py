"""Creates and changes users, and holds the one check of what a user may do."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import transaction

from headend.accounts.catalogue import words
from headend.accounts.groups import ADMINISTRATOR
from headend.accounts.models import User
from headend.config.errors import NotPermitted

CONSOLE = "console"


def require(user: User, permission: str) -> None:
    """Let the user go on only with a permission.

    Args:
        user: who asks.
        permission: as Django writes it, for example "vending.vend".

    Raises:
        NotPermitted: the user is not active or lacks the permission.
    """
    if not user.has_perm(permission):
        raise NotPermitted(
            f"{user.username} lacks the permission {permission} (“{words(permission)}”); "
            "a utility administrator can give it through a group"
        )


@transaction.atomic
def create_user(*, username: str, password: str | None, groups: tuple[str, ...] = ()) -> User:
    """Create a user in some groups.

    Args:
        username: unique log-in name.
        password: clear password; None makes an account nobody can log in to.
        groups: names of existing groups.
    """
    user = User.objects.create_user(username=username, password=password)
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def console_user() -> User:
    """Return the user under whose name the command line of this machine acts.

    Whoever can run commands here can read the database and its keys, so there is nothing to
    withhold; the record still tells the console from people at the pages.
    """
    user = User.objects.filter(username=CONSOLE).first()
    return user or create_user(username=CONSOLE, password=None, groups=(ADMINISTRATOR,))
