"""The sealer's loop: look, seal, publish, wait; it waits for a database that is away."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

from headend.audit import publication
from headend.audit.sealer import Head, Sealer, end_of_chain, is_in_chain
from headend.config import workers

log = logging.getLogger(__name__)

PUBLISH_EVERY_S = 10.0


class Worker:
    """Seals and publishes.

    Args:
        seals: the folder outside the database that takes the published files.
    """

    def __init__(self, seals: Path) -> None:
        self._seals = seals
        self._sealer = Sealer()
        self._unpublished: Head | None = None
        self._publish_at = time.monotonic()
        self._closed_up_to: date | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        workers.repeat(lambda: self.step(at=datetime.now(UTC)), what="the sealer", stop=stop)
        self.publish()

    def step(self, *, at: datetime) -> bool:
        """Seal one batch and publish what is due; return True if nothing was waiting."""
        if self._unpublished is not None and not is_in_chain(self._unpublished):
            self.publish()  # somebody cut it off: a later end would hide that it was there
        head = self._sealer.seal(at=at)
        if self._closed_up_to is None:  # one that was cut off may not have published all it sealed
            self._unpublished = self._unpublished or end_of_chain()
        self._unpublished = head or self._unpublished
        if time.monotonic() >= self._publish_at:
            self.publish()
        today = at.astimezone(UTC).date()
        if self._closed_up_to != today:
            self.publish()  # what is of yesterday, before its file is closed
            for day in publication.close_days(self._seals, today=today):
                log.info("the audit record of %s is sealed", day)
            self._closed_up_to = today
        return head is None

    def publish(self) -> None:
        """Publish the end of the chain, if it is not published yet."""
        if self._unpublished is not None:
            publication.publish(self._seals, self._unpublished)
            self._unpublished = None
            self._publish_at = time.monotonic() + PUBLISH_EVERY_S
