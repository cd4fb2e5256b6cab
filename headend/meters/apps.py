"""Registers The meter register with Django."""

from django.apps import AppConfig


class MetersConfig(AppConfig):
    """The meter register."""

    name = "headend.meters"
