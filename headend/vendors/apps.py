"""Registers the organisations that sell for the utility with Django."""

from django.apps import AppConfig


class VendorsConfig(AppConfig):
    """Third parties that sell energy: their credit, tills, people and shifts."""

    name = "headend.vendors"

    def ready(self) -> None:
        """Make the act that needs a second person known, and what belongs to a vendor's life."""
        from headend.vendors import acts, life, suspense  # noqa: F401
