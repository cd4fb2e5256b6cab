"""Registers the fleet with Django."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Commands, readings, events and presence of meters."""

    name = "headend.fleet"
    verbose_name = "Fleet"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Say what belongs to whose life in the audit record."""
        from headend.fleet import life  # noqa: F401 - registers
