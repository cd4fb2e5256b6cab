"""Registers engineering tokens with Django."""

from django.apps import AppConfig


class EngineeringConfig(AppConfig):
    """Tokens for engineers: tests, limits, clearing, and changes of a meter's key."""

    name = "headend.engineering"

    def ready(self) -> None:
        """Make known what needs a second person, and what belongs to whose life."""
        from headend.engineering import acts, life  # noqa: F401 - registers
