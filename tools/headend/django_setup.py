"""Makes the head-end's services callable in a command of this process."""

from __future__ import annotations

import os


def set_up_django() -> None:
    """Configure Django from the environment, as the web server and the gateway do."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headend.config.settings")
    import django

    django.setup()
