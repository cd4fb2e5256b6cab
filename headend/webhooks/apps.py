"""Registers webhooks with Django."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """Events for other programs, sent to their addresses."""

    name = "headend.webhooks"
