"""Who is trusted: whoever may approve other people's requests, or manage people.

Were one person enough to make such a person, to set their password or to take their second factor
away, that one could be both persons of whatever needs two.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from headend.accounts import approvals
from headend.accounts.catalogue import DUTIES
from headend.accounts.groups import matching
from headend.accounts.models import GivenPassword, User
from headend.accounts.programs import holder
from headend.accounts.services import CONSOLE

MANAGE = "accounts.manage_people"
_DECIDE = "*.approve_*"


def trusted_permissions() -> QuerySet[Permission]:
    """Return the permissions that make whoever has one of them trusted."""
    by_name = matching([MANAGE, _DECIDE]) & matching(DUTIES)
    return Permission.objects.filter(
        by_name | matching({one.approve_permission for one in approvals.acts()})
    )


def group_is_trusted(group: Group) -> bool:
    """Tell whether a group's members decide on what others ask for, or manage people."""
    return group.permissions.filter(pk__in=trusted_permissions()).exists()


def person_is_trusted(user: User) -> bool:
    """Tell whether somebody decides or manages people; switched off, too."""
    held = Permission.objects.filter(Q(group__user=user) | Q(user=user))
    return user.is_superuser or held.filter(pk__in=trusted_permissions()).exists()


def acts_alone(by: User) -> bool:
    """Tell whether somebody needs no second person: the console, which holds the database."""
    return by.username == CONSOLE


def note_given_password(user: User, *, by: User, at: datetime) -> None:
    """Keep that one person alone has set the password of another, and so may know it."""
    if not acts_alone(by):
        GivenPassword.objects.get_or_create(user=user, by=by, defaults={"at": at})


def vouch_for(user: User) -> None:
    """Forget who once knew somebody's password, since a second person or the console answers."""
    GivenPassword.objects.filter(user=user).delete()


@holder
def _gave_password(user: User, person: User) -> bool:
    """Tell whether a person alone has set somebody's password."""
    return GivenPassword.objects.filter(user=user, by=person).exists()
