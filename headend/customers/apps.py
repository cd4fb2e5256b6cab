"""Registers Customers, premises and supply agreements with Django."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Customers, premises and supply agreements."""

    name = "headend.customers"

    def ready(self) -> None:
        """Say what belongs to whose life in the audit record."""
        from headend.customers import life  # noqa: F401 - registers
