"""Registers The people who use the head-end with Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The people who use the head-end."""

    name = "headend.accounts"
