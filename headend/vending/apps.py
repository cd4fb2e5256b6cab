"""Registers Vends, tokens and receipts with Django."""

from django.apps import AppConfig


class VendingConfig(AppConfig):
    """Vends, tokens and receipts."""

    name = "headend.vending"
