"""Registers Vends, tokens and receipts with Django."""

from django.apps import AppConfig


class VendingConfig(AppConfig):
    """Vends, tokens and receipts."""

    name = "headend.vending"

    def ready(self) -> None:
        """Say what belongs to whose life in the audit record."""
        from headend.vending import life  # noqa: F401 - registers
