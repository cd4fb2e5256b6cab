"""Registers the API with Django."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The interface for other programs, under /api/v1."""

    name = "headend.api"
