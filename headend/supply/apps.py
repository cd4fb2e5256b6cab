"""Registers the life of a supply with Django."""

from django.apps import AppConfig


class SupplyConfig(AppConfig):
    """Moves, closing of accounts, meter replacement, settlement of payment-mode switches."""

    name = "headend.supply"

    def ready(self) -> None:
        """Make known what needs a second person, follows an answer, or belongs to a life."""
        from headend.supply import acts, answers, life, objections  # noqa: F401
