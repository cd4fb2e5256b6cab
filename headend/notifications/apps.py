"""Registers notifications with Django."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Messages to people, with delivery state."""

    name = "headend.notifications"
    verbose_name = "Notifications"
    default_auto_field = "django.db.models.BigAutoField"
