"""Reads what a user may do with one statement instead of several of the ORM."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission

from headend.accounts.models import User
from headend.config import prepared, statements


class Permissions(ModelBackend):
    """Django's own rules: permissions of a user and of their groups, kept with the user object."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return all permissions of a user as "app.codename"."""
        if obj is not None or not user_obj.is_active or user_obj.is_superuser:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            found = prepared.rows(statements.PERMISSIONS, user_obj.pk, user_obj.pk)
            user_obj._perm_cache = {permission for (permission,) in found}
        kept: set[str] = user_obj._perm_cache
        return kept


def know(user: User, permissions: str | None) -> None:
    """Fill Django's cache of a user's permissions, where they were read along with something else.

    Args:
        user: who.
        permissions: their ids, separated by blanks; None: the user may do nothing.
    """
    vars(user)["_perm_cache"] = _named(permissions or "")


@lru_cache(maxsize=1024)
def _named(ids: str) -> frozenset[str]:
    """Return permissions as "app.codename"; none ever changes its name."""
    found = Permission.objects.filter(pk__in=ids.split())
    names = found.values_list("content_type__app_label", "codename")
    return frozenset(f"{app}.{codename}" for app, codename in names)
