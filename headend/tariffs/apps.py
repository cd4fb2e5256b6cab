"""Registers Tariffs and the price calculation with Django."""

from django.apps import AppConfig


class TariffsConfig(AppConfig):
    """Tariffs and the price calculation."""

    name = "headend.tariffs"
