"""Registers the organisations that sell for the utility with Django."""

from django.apps import AppConfig


class VendorsConfig(AppConfig):
    """Third parties that sell energy: their credit, tills, people and shifts."""

    name = "headend.vendors"

    def ready(self) -> None:
        """Register the act that needs a second person, and what a vendor's history shows."""
        from headend.vendors import acts, life, suspense  # noqa: F401
