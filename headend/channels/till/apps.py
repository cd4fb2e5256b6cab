"""Registers The till with Django."""

from django.apps import AppConfig


class TillConfig(AppConfig):
    """The till."""

    name = "headend.channels.till"
