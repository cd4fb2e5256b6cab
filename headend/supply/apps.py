"""Registers the life of a supply with Django."""

from django.apps import AppConfig


class SupplyConfig(AppConfig):
    """Moves, closing of accounts, meter replacement, settlement of payment-mode switches."""

    name = "headend.supply"
