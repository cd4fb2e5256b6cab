"""Registers announcements with Django."""

from django.apps import AppConfig


class AnnouncementsConfig(AppConfig):
    """An outbox of happenings for other programs."""

    name = "headend.announcements"
