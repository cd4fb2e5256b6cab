"""Housekeeping as a Django app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class HousekeepingConfig(AppConfig):
    """Does the chores of every capability when they are due."""

    name = "headend.housekeeping"

    def ready(self) -> None:
        """Learn the chores of every capability."""
        autodiscover_modules("chores")
