"""Registers Customers, premises and supply agreements with Django."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Customers, premises and supply agreements."""

    name = "headend.customers"
