"""Registers key campaigns with Django."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """New keys for many meters: a later base date, or the next revision."""

    name = "headend.campaigns"

    def ready(self) -> None:
        """Make known what needs a second person, what is done again and again, and the lives."""
        from headend.campaigns import acts, chores, life  # noqa: F401 - registers
