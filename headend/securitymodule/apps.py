"""Registers Vending keys and what may be done with them with Django."""

from django.apps import AppConfig


class SecurityModuleConfig(AppConfig):
    """Vending keys and what may be done with them."""

    name = "headend.securitymodule"
