"""Registers the debts of customers and premises with Django."""

from django.apps import AppConfig


class DebtsConfig(AppConfig):
    """What customers owe besides energy, and how it is recovered."""

    name = "headend.debts"

    def ready(self) -> None:
        """Register the acts that need a second person, and what a customer's history shows."""
        from headend.debts import acts, life, suspense  # noqa: F401
