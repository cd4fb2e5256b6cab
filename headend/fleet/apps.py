"""Registers the fleet with Django."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Commands, readings, events and presence of meters."""

    name = "headend.fleet"
    verbose_name = "Fleet"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make known what needs a second person, and what belongs to a meter's life."""
        from headend.fleet import acts, life  # noqa: F401
