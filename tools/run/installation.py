"""A head-end's folder and settings, as the environment of the programs that serve it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django

from tools import children, interpreters

PRIVATE = 0o077  # umask: also in a folder that others may look into, what is made is ours alone


@contextlib.contextmanager
def private_files() -> Iterator[None]:
    """Within this, files that are made are readable by their owner alone."""
    before = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(before)


class Installation:
    """Where one head-end keeps its data, and how its programs are told.

    Args:
        folder: database, keys, logs and simulated meters.
        mqtt_url: the broker.
    """

    def __init__(self, folder: Path, *, mqtt_url: str) -> None:
        self.folder = folder.resolve()
        self.mqtt_url = mqtt_url
        self.logs = self.folder / "logs"
        self.meters = self.folder / "meters"
        for part in (self.folder, self.logs, self.meters):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point the head-end's programs here."""
        return {
            "DJANGO_SETTINGS_MODULE": "headend.config.settings",
            "OPENPREPAY_DATA": str(self.folder),
            "OPENPREPAY_DEMONSTRATION": "1",
            "MQTT_URL": self.mqtt_url,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def enter(self) -> None:
        """Make this process itself a program of the head-end."""
        os.environ.update(self.environment)
        django.setup()

    def start(self, name: str, arguments: list[str], *, user: str | None = None) -> children.Child:
        """Start a Python program of the head-end; what it stores is its owner's alone.

        Args:
            name: what people call it, and the name of its log.
            arguments: what follows `python`.
            user: run as this user (only root may).
        """
        return children.start(
            name,
            [sys.executable, *arguments],
            folder=interpreters.REPOSITORY,
            environment=self.environment,
            log=self.logs / f"{name}.log",
            user=user,
            umask=PRIVATE,
        )
