"""The people and programs that use the head-end."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Somebody who may log in, or a program that acts under its own name.

    What a user may do comes from groups; see `headend.accounts.groups`.
    """

    def __str__(self) -> str:
        return self.get_full_name() or self.username
