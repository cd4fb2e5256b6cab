"""Registers the debts of customers and premises with Django."""

from django.apps import AppConfig


class DebtsConfig(AppConfig):
    """What customers owe besides energy, and how it is recovered."""

    name = "headend.debts"

    def ready(self) -> None:
        """Make the acts that need a second person known."""
        from headend.debts import acts  # noqa: F401
