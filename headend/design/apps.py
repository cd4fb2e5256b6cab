"""The design system as a Django application, so that its templates and static files are found."""

from django.apps import AppConfig


class DesignConfig(AppConfig):
    """Stylesheet, base template and display filters; no models."""

    name = "headend.design"
    label = "design"
