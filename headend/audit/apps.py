"""Registers The record of who did what with Django."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """The record of who did what."""

    name = "headend.audit"
