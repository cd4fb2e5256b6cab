"""The loop of the process that works on imports: look, run, wait."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from headend.config import workers
from headend.exchange import jobs
from headend.exchange.errors import JobTaken
from headend.exchange.runner import Runner

log = logging.getLogger(__name__)

FORGET_EVERY_S = 3600.0


class Worker:
    """Works on imports as they are handed in."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._runner = Runner(lambda: datetime.now(UTC), stop)
        self._forget_at = time.monotonic()

    def run(self) -> None:
        """Work until told to stop; a database that is away is waited for."""
        workers.repeat(self.step, what="imports", stop=self._stop)

    def step(self) -> bool:
        """Work on one import; return True if none was waiting."""
        job = self._runner.claim()
        if job is not None:
            log.info("%s: from row %s", job, job.rows_done + 1)
            try:
                self._runner.run(job)
            except JobTaken as error:
                log.warning("%s", error)
            self._runner.release(job)
            return False
        if time.monotonic() >= self._forget_at:
            jobs.forget(at=datetime.now(UTC))
            self._forget_at = time.monotonic() + FORGET_EVERY_S
        return True
