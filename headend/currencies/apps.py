"""Registers Other currencies with Django."""

from django.apps import AppConfig


class CurrenciesConfig(AppConfig):
    """Other currencies and their rates."""

    name = "headend.currencies"

    def ready(self) -> None:
        """Register the act that needs a second person, and what payments at the bank are for."""
        from headend.currencies import services, sold  # noqa: F401
