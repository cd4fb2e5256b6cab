"""Registers Double-entry accounts with Django."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Double-entry accounts."""

    name = "headend.ledger"
