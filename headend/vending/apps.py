"""Registers Vends, tokens and receipts with Django."""

from django.apps import AppConfig


class VendingConfig(AppConfig):
    """Vends, tokens and receipts."""

    name = "headend.vending"

    def ready(self) -> None:
        """Register whose history shows what, and the acts that need a second person."""
        from headend.vending import (  # noqa: F401 - registers
            free_programmes,
            key_changes,
            key_watch,
            life,
            reallocations,
        )
