"""A head-end of real processes under load: PostgreSQL, web workers, and programs that vend."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from headend.testing_processes import run
from tools.broker.ports import free_port
from tools.interpreters import REPOSITORY
from tools.testing.postgresql import Cluster

WORKERS = 2
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.05  # before a caller that got no answer asks again

SEED = """
import json, sys
from datetime import timedelta
from django.utils import timezone
from tools.headend.django_setup import set_up_django
set_up_django()
from headend.accounts.services import console_user
from headend.api.keys import create_key
from headend.customers.services import open_agreement, register_customer
from headend.meters.services import KeyAttributes, install_meter, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.tariffs.models import Tariff
from headend.testing import new_drn
now, by = timezone.now(), console_user()
drns = []
for number in range(int(sys.argv[1])):
    meter = register_meter(drn=new_drn(), key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=by, at=now)
    install_meter(meter, by=by, at=now)
    open_agreement(customer=register_customer(name=f"Customer {number}", by=by, at=now), by=by,
                   address=f"{number} Load Street", meter=meter, at=now,
                   tariff=Tariff.objects.get())
    drns.append(meter.drn)
keys = [create_key(program=program, name="test", scopes=["vend"], by=by, at=now,
                   expires_at=now + timedelta(days=1)).text for program in ("one", "other")]
print(json.dumps({"meters": drns, "keys": keys}))
"""


class HeadEnd:
    """Processes of a head-end on PostgreSQL; each can be killed the hard way and started again."""

    def __init__(self, cluster: Cluster, data: Path, *, meters: int) -> None:
        self.cluster = cluster
        self.port = free_port()
        self._environment = dict(
            os.environ,
            OPENPREPAY_DATA=str(data),
            OPENPREPAY_DEMONSTRATION="1",
            OPENPREPAY_LOG_LEVEL="CRITICAL",
            DATABASE_URL=cluster.url,
        )
        self._web: subprocess.Popen[bytes] | None = None
        for command in (["migrate"], ["seed_demonstration", "--without-vendor"]):
            self.python("-m", "headend.manage", *command, "--skip-checks", "-v0")
        made = json.loads(self.python("-c", SEED, str(meters)).splitlines()[-1])
        self.meters: list[str] = made["meters"]
        self.keys: list[str] = made["keys"]  # of two programs

    def python(self, *arguments: str) -> str:
        """Run a program of the head-end to its end and return what it printed."""
        return run(self._environment, *arguments)

    def start_web(self) -> None:
        """Start the web server; it answers when this returns."""
        arguments = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)]
        arguments += ["--workers", str(WORKERS), "--blocking-threads", "8", "--no-ws"]
        arguments += ["--respawn-failed-workers", "--respawn-interval", "0.1"]
        arguments += ["--workers-kill-timeout", "10"]  # one that only just starts may miss the end
        arguments += ["--log-level", "critical", "tools.run.wsgi:application"]
        self._web = subprocess.Popen(
            [sys.executable, "-m", "granian", *arguments], env=self._environment, cwd=REPOSITORY
        )
        until(self._answers)

    def kill_a_worker(self) -> None:
        """Kill one of the web server's workers; the server replaces it."""
        os.kill(self._workers()[0], signal.SIGKILL)

    def kill_web(self) -> None:
        """Kill the web server and all its workers."""
        assert self._web is not None
        workers = self._workers()
        self._web.kill()
        for worker in workers:
            with suppress(ProcessLookupError):  # some end with the server
                os.kill(worker, signal.SIGKILL)
        self._web.wait(PATIENCE_SECONDS)
        until(lambda: not any(_runs(worker) for worker in workers))

    def stop(self) -> None:
        """End the web server, if it runs."""
        if self._web is not None and self._web.poll() is None:
            self._web.terminate()
            self._web.wait(PATIENCE_SECONDS)

    def _workers(self) -> list[int]:
        assert self._web is not None
        children = Path(f"/proc/{self._web.pid}/task/{self._web.pid}/children").read_text()
        workers = [int(pid) for pid in children.split() if _serves(int(pid))]
        assert workers
        return workers

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def vend(self, body: dict[str, Any], *, key: str) -> tuple[int, bytes]:
        """Send one vend; return status and body of the answer, status 0 if none came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/api/v1/vend", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()


class Load:
    """Programs that vend without pause, each one message after the other, until told to stop.

    A program that gets no answer, or is told that the outcome is not known, asks again with the
    same message id until it knows.
    """

    def __init__(self, head_end: HeadEnd, *, programs: int) -> None:
        self.head_end = head_end
        self.sold: dict[str, dict[str, Any]] = {}  # what was answered, by message id
        self.strange: list[str] = []  # answers that no caller should get
        self.unanswered = 0  # requests of which the outcome was not known at first
        self._stop = threading.Event()
        self._change = threading.Condition()
        self._threads = [
            threading.Thread(target=self._vend, args=(head_end.meters[number::programs],))
            for number in range(programs)
        ]

    def start(self) -> None:
        """Begin to vend."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """Stop after the outcome of every message is known."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()

    def wait_for_sales(self, more: int) -> None:
        """Wait until so many more vends were answered."""
        with self._change:
            wanted = len(self.sold) + more
            assert self._change.wait_for(
                lambda: len(self.sold) >= wanted or self.strange, PATIENCE_SECONDS
            )

    def _vend(self, meters: list[str]) -> None:
        number = 0
        while not self._stop.is_set():
            body = {
                "message_id": str(uuid.uuid4()),
                "meter": meters[number % len(meters)],
                "tender_minor": 5000 + number,
            }
            while not self._ask(body):
                self._stop.wait(PAUSE_SECONDS)
            number += 1

    def _ask(self, body: dict[str, Any]) -> bool:
        """Send one vend; return True if its outcome is known."""
        status, content = self.head_end.vend(body, key=self.head_end.keys[0])
        with self._change:
            if status in (0, 503):
                self.unanswered += 1
                return False
            if status == 200:
                self.sold[body["message_id"]] = json.loads(content)
            else:
                self.strange.append(f"{status} {content[:300]!r}")
            self._change.notify_all()
        return True


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something that only polling tells is so."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / PAUSE_SECONDS)):
        if is_so():
            return
        pause.wait(PAUSE_SECONDS)
    raise AssertionError("it did not come about in time")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _serves(pid: int) -> bool:
    """Say whether a child of the server is a worker, not a helper of Python's multiprocessing."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"resource_tracker" not in command and _runs(pid)
