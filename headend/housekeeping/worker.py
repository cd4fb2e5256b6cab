"""The housekeeping program's life: look what is due, do it, wait."""

from __future__ import annotations

import logging
import threading

from django.db import InterfaceError, OperationalError, connection

from headend.housekeeping import services

log = logging.getLogger(__name__)

LOOK_EVERY_S = 20.0


def run(stop: threading.Event) -> None:
    """Do chores until told to stop; a database that is away is waited for.

    It waits first: where all programs start together, the sealer gets the time to catch up.
    """
    while not stop.wait(LOOK_EVERY_S):
        try:
            for record in services.do_due():
                log.log(
                    logging.INFO if record.is_well else logging.ERROR,
                    "%s: %s", record.name, record.told,
                )  # fmt: skip
        except (OperationalError, InterfaceError) as error:
            log.warning("the database is out of reach for housekeeping: %s", error)
            connection.close()
    connection.close()
