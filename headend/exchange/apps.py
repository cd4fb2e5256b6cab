"""Registers the exchange of sheets with Django."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    """Sheets in and out: customers, meters, agreements, debts, and a whole installed base."""

    name = "headend.exchange"

    def ready(self) -> None:
        """Make known every kind of sheet."""
        from headend.exchange import (  # noqa: F401 - registers
            bank_payments,
            debts,
            free_electricity,
            registers,
            take_over,
        )
