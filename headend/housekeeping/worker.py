"""The housekeeping program's life: look what is due, do it, wait."""

from __future__ import annotations

import logging
import threading

from headend.config import workers
from headend.housekeeping import services

log = logging.getLogger(__name__)

LOOK_EVERY_S = 20.0


def run(stop: threading.Event) -> None:
    """Do chores until told to stop; a database that is away is waited for.

    It waits first: where all programs start together, the sealer gets the time to catch up.
    """
    stop.wait(LOOK_EVERY_S)
    workers.repeat(_look, what="housekeeping", stop=stop, pause_s=LOOK_EVERY_S)


def _look() -> bool:
    for record in services.do_due():
        level = logging.INFO if record.is_well else logging.ERROR
        log.log(level, "%s: %s", record.name, record.told)
    return True
