"""Background programs that run until they are told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from functools import partial

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

PAUSE_S = 1.0
DATABASE_PAUSE_S = 2.0

Work = Callable[[threading.Event], None]  # works until the event is set


class WorkerFailed(Exception):
    """A worker ended before it was told to; its own error is the cause."""


def repeat(
    step: Callable[[], bool], *, what: str, stop: threading.Event, pause_s: float = PAUSE_S
) -> None:
    """Take one step after the other until told to stop; a database that is away is waited for.

    Args:
        step: does a piece of work; returns True if nothing was waiting.
        what: the work's name, for the log.
        stop: set when it is time to end.
        pause_s: how long to wait after a step that found nothing.
    """
    while not stop.is_set():
        try:
            is_idle = step()
        except (OperationalError, InterfaceError) as error:
            log.warning("the database is out of reach for %s: %s", what, error)
            connection.close()
            stop.wait(DATABASE_PAUSE_S)
            continue
        if is_idle:
            stop.wait(pause_s)


def run(**works: Work) -> None:
    """Run workers side by side until SIGTERM or Ctrl-C comes.

    Args:
        works: by the name that their threads have.

    Raises:
        WorkerFailed: one of them ended with an error; the others were told to stop.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    failures: list[Exception] = []
    threads = [
        threading.Thread(target=partial(_work, work, stop, failures), name=name)
        for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise WorkerFailed(f"a worker ended with an error: {failures[0]}") from failures[0]


def _work(work: Work, stop: threading.Event, failures: list[Exception]) -> None:
    try:
        work(stop)
    except Exception as error:
        failures.append(error)
    finally:
        stop.set()
        connection.close()
