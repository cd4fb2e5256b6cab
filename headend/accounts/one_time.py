"""Passwords that somebody else set: they serve once, to choose one's own.

Whoever sets another's password knows it, and could go on acting in the other's name while the
other notices nothing. So whoever comes in with such a password chooses an own one before anything
else, is told who set it, and sees who came in since. Who was there first with it leaves the other
before a password that serves no more.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from headend.accounts.errors import PeopleRefused
from headend.accounts.models import OneTimePassword, User
from headend.audit import services as audit
from headend.audit.models import AuditEntry

_SHOWN = 10
_OF_ACCOUNT = {
    "accounts.log_in": "Logged in",
    "accounts.change_password": "Password chosen by whoever was logged in",
    "accounts.set_password": "Password set by somebody else",
    "accounts.create_person": "Account made",
    "accounts.reset_second_factor": "Second factors taken away by somebody else",
    "accounts.add_second_factor": "Second factor added",
    "accounts.remove_second_factor": "Second factor removed",
    "accounts.log_in_refused": "Log-ins refused: too many wrong tries",
}


def note(user: User, *, by: User, at: datetime) -> None:
    """Keep that somebody's password was set by another person and serves once.

    Args:
        user: whose; already saved with it.
        by: who set it. One's own is one's own.
        at: now.
    """
    if user == by:
        OneTimePassword.objects.filter(user=user).delete()
        return
    OneTimePassword.objects.update_or_create(user=user, defaults={"by": by, "at": at})


def of(user: User) -> OneTimePassword | None:
    """Return who set somebody's password and when, if they have not chosen an own one since."""
    return OneTimePassword.objects.filter(user=user).select_related("by").first()


@transaction.atomic
def choose(user: User, password: str, *, at: datetime) -> User:
    """Give oneself a password; what others knew serves no more.

    Args:
        user: who is logged in.
        password: the new one.
        at: now.

    Returns:
        User: them, with the new password; their other sessions have ended.

    Raises:
        PeopleRefused: it is too weak, or the one that somebody else knows.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    given = of(user)
    if given is not None and user.check_password(password):
        raise PeopleRefused(f"{given.by} knows this one; choose another")
    set_checked(user, password)
    user.save(update_fields=["password"])
    OneTimePassword.objects.filter(user=user).delete()
    audit.record(
        actor=user,
        action="accounts.change_password",
        target=user,
        at=at,
        before={"set_by": given.by.username} if given else None,
    )
    return user


def set_checked(user: User, password: str) -> None:
    """Put a password that is strong enough on somebody, who is not saved yet.

    Raises:
        PeopleRefused: it is too weak.
    """
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PeopleRefused(" ".join(error.messages)) from None
    user.set_password(password)


def lately(user: User) -> list[tuple[str, AuditEntry]]:
    """Return what was done to an account and who came in, in words, the latest first."""
    rows: QuerySet[AuditEntry] = AuditEntry.objects.filter(
        object_type="accounts.user", object_id=str(user.pk), action__in=_OF_ACCOUNT
    )
    return [(_OF_ACCOUNT[one.action], one) for one in rows.order_by("-pk")[:_SHOWN]]
