"""Registers the start page with Django."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    """The start page."""

    name = "headend.channels.home"
