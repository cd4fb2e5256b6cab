"""Registers the people who use the head-end with Django."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class AccountsConfig(AppConfig):
    """The people who use the head-end."""

    name = "headend.accounts"

    def ready(self) -> None:
        """Have the first groups created after the first migration, and acts registered."""
        from headend.accounts import people_acts, sessions  # noqa: F401  register, listen
        from headend.accounts.groups import create_groups, note_permissions

        pre_migrate.connect(note_permissions, dispatch_uid="headend.accounts.note_permissions")
        post_migrate.connect(create_groups, dispatch_uid="headend.accounts.create_groups")
