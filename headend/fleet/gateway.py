"""The worker between the broker and the database: stores what meters say, sends what is queued.

Whatever dies - this process, the broker with its memory, the web server - nothing is lost or
doubled: a message is acknowledged after its commit, a command's bytes are committed before they
are sent, and meters keep and repeat what the watermark does not cover.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from headend.fleet import ingest, outbox
from headend.fleet.broker_link import BrokerLink
from headend.fleet.keyring import KeyRing
from headend.fleet.outbox import Publication
from headend.fleet.wake import Waker, waker
from headend.notifications import carriers
from headend.notifications import services as notifications

log = logging.getLogger(__name__)

WINDOW = 50  # publications that the broker has not acknowledged yet
_SWEEP_S = 1.0  # expiry and resends have no signal of their own
_DATABASE_PAUSE_S = 2.0


class Gateway:
    """One worker; several may run, each with a client id of its own and a common share group.

    Args:
        link: the connection to the broker.
    """

    def __init__(self, link: BrokerLink) -> None:
        self._link = link
        self._keys = KeyRing()
        self._waker: Waker | None = None
        self._in_flight: dict[int, Publication] = {}
        self._sweep_at = 0.0
        self._has_work = True
        self._was_connected = False

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop."""
        while not stop.is_set():
            try:
                self.step()
            except (OperationalError, InterfaceError) as error:
                log.warning("the database is out of reach: %s", error)
                self._start_over()
                stop.wait(_DATABASE_PAUSE_S)
        self._link.close()
        self._forget_waker()

    def step(self) -> None:
        """Wait for something to do, at most for the time of one poll, and do it.

        Raises:
            OperationalError, InterfaceError: the database is out of reach.
        """
        if self._waker is None:
            self._waker = waker(connection)
        poll_s = self._waker.poll_seconds
        self._link.exchange(
            timeout_s=0 if self._has_work and self._link.is_connected else poll_s,
            wake=self._waker.descriptors(),
        )
        if self._waker.is_woken():
            self._has_work = True
        self._note_connection()
        self._note_acknowledged()
        self._store()
        if time.monotonic() >= self._sweep_at:
            self._sweep_at = time.monotonic() + _SWEEP_S
            outbox.expire(at=timezone.now())
            self._has_work = True
        if self._has_work and self._link.is_connected:
            self._has_work = self._publish()

    def _note_connection(self) -> None:
        if self._link.is_connected and not self._was_connected:
            outbox.resume(at=timezone.now())
            self._has_work = True
        self._was_connected = self._link.is_connected

    def _store(self) -> None:
        arrivals = self._link.take_arrivals()
        if not arrivals:
            return
        ingest.store_batch([arrival for _, arrival in arrivals], keys=self._keys)
        self._link.acknowledge([message for message, _ in arrivals])
        self._has_work = True

    def _note_acknowledged(self) -> None:
        for mid in self._link.take_acknowledged():
            publication = self._in_flight.pop(mid, None)
            if publication is not None:
                outbox.broker_took(publication, at=timezone.now())
                self._has_work = True

    def _publish(self) -> bool:
        """Publish what is due; return True if the window was the limit."""
        now = timezone.now()
        room = WINDOW - len(self._in_flight)
        due = outbox.commands_due(at=now, limit=room, keys=self._keys)
        on_the_way = {each.link_id for each in self._in_flight.values()}
        due += outbox.watermarks_due(
            limit=room - len(due), keys=self._keys, except_links=on_the_way
        )
        for publication in due:
            mid = self._link.publish(
                publication.topic, publication.payload, retain=publication.retain
            )
            self._in_flight[mid] = publication
        return len(due) == room > 0

    def _start_over(self) -> None:
        """Let go of broker and database; unacknowledged messages come again afterwards."""
        self._link.drop()
        self._forget_waker()
        connection.close()

    def _forget_waker(self) -> None:
        if self._waker is not None:
            self._waker.close()
            self._waker = None


def deliver_notifications(
    stop: threading.Event, *, carrier: carriers.Carrier, pause_s: float = 1.0
) -> None:
    """Deliver messages to people until told to stop; a slow carrier holds up nothing else."""
    while not stop.wait(pause_s):
        _attempt(lambda: notifications.deliver_due(carrier=carrier, at=timezone.now()))
    connection.close()


def _attempt(act: Callable[[], object]) -> None:
    try:
        act()
    except (OperationalError, InterfaceError) as error:
        log.warning("the database is out of reach for notifications: %s", error)
        connection.close()
