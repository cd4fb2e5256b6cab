"""Registers Tariffs and the price calculation with Django."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    """Tariffs and the price calculation."""

    name = "headend.tariffs"

    def ready(self) -> None:
        """Register the act that needs a second person."""
        from headend.tariffs import services  # noqa: F401
