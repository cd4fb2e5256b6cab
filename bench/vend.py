"""Vends through the API over HTTP, beside pgbench running the same writes bare.

The head-end runs as in production: granian with two processes, PostgreSQL with full durability, a
million meters, sixteen programs asking at once. A vend is `POST /api/v1/vend` with the token sent
to the meter: key, permissions, price, sale, token, ledger, audit entries, outbox. The peer is
pgbench with the rows of such a vend and nothing around them. All take turns in each round, so
that what else the machine does falls on all of them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench.result import Result
from bench.vending import clients
from bench.vending.bare import Bare
from bench.vending.clients import Round
from bench.vending.filling import drn_of
from tools.broker.ports import free_port
from tools.testing.postgresql import Cluster

MANY, FEW = 1_000_000, 1000  # meters
VEND, TRIAL = "/api/v1/vend", "/api/v1/vend/trial"
ROUNDS = 5
ROUND_SECONDS = 3.0
WORKERS = 2
THREADS = 2  # of a process: one computes while the other waits; more would only take turns
CLIENTS = 16
PEER = f"pgbench, {CLIENTS} clients"
_READY_REQUESTS = 300  # of one client, made before the round begins; more than it takes
SQLITE_RATE, SQLITE_P99_MS = 100.0, 1000.0  # what the embedded database must reach


class HeadEnd:
    """A head-end with its own database and so many meters; a context manager.

    Args:
        url: of its database, empty.
        meters: how many.
    """

    def __init__(self, url: str, meters: int) -> None:
        self._url, self._meters = url, meters

    def __enter__(self) -> HeadEnd:
        with ExitStack() as stack:
            data = stack.enter_context(TemporaryDirectory(prefix="openprepay-bench-"))
            environment = {
                **os.environ,
                "DATABASE_URL": self._url or f"sqlite:///{data}/headend.sqlite3",
                "OPENPREPAY_DATA": data,
                "OPENPREPAY_DEMONSTRATION": "1",
                "OPENPREPAY_LOG_LEVEL": "CRITICAL",
                "DJANGO_SETTINGS_MODULE": "headend.config.settings",
            }
            filled = subprocess.run(
                [sys.executable, "-m", "bench.vending.filling", str(self._meters)],
                env=environment,
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            told = json.loads(filled.stdout.splitlines()[-1])
            self.utility: str = told["utility"]
            self.vendors: list[str] = told["vendors"]
            self._port = stack.enter_context(_served(environment))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def settle(self) -> None:
        """Make some sales, and have the server look at its tables as it does with any in use.

        It keeps its plans for the connections that there are; made for tables that were empty,
        they would read all of each until the server looked by itself, within a minute or two.
        """
        self.drive(VEND, [self.utility], seconds=3)
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        self.drive(VEND, [self.utility], seconds=1)

    def drive(self, path: str, keys: list[str], *, seconds: float, count: int = CLIENTS) -> Round:
        """Vend, or ask what a vend would give, from some clients for a while."""
        sources = [self._requests(path, keys[client % len(keys)]) for client in range(count)]
        return clients.drive(self._port, seconds=seconds, sources=sources)

    def _requests(self, path: str, key: str) -> Callable[[], bytes]:
        ready = [self._request(path, key) for _ in range(_READY_REQUESTS)]
        return lambda: ready.pop() if ready else self._request(path, key)

    def _request(self, path: str, key: str) -> bytes:
        body: dict[str, object] = {
            "meter": drn_of(random.randrange(self._meters)),
            "tender_minor": 5000,
        }
        if path == VEND:
            body |= {"message_id": uuid.uuid4().hex, "send": True}
        return clients.request(path, key=key, body=json.dumps(body))


def run() -> list[Result]:
    """Measure PostgreSQL in interleaved rounds, then SQLite."""
    with (
        Cluster(durable=True, settings=("shared_buffers=512MB", "max_wal_size=4GB")) as cluster,
        HeadEnd(cluster.url, MANY) as large,
        HeadEnd(cluster.new_database("few"), FEW) as small,
    ):
        utility, vendors = [large.utility], large.vendors
        for one in (large, small):
            one.settle()
        large.drive(VEND, vendors, seconds=1)
        bare = Bare(cluster.url)
        turns: dict[str, Callable[[], Round]] = {
            "bare": lambda: bare.drive(clients=CLIENTS, seconds=ROUND_SECONDS),
            "vend": lambda: large.drive(VEND, utility, seconds=ROUND_SECONDS),
            "few": lambda: small.drive(VEND, [small.utility], seconds=ROUND_SECONDS),
            "trial": lambda: large.drive(TRIAL, utility, seconds=ROUND_SECONDS),
            "one": lambda: large.drive(VEND, vendors[:1], seconds=ROUND_SECONDS),
            "spread": lambda: large.drive(VEND, vendors, seconds=ROUND_SECONDS),
        }
        rounds: dict[str, list[Round]] = {name: [] for name in turns}
        for _ in range(ROUNDS):
            for name, turn in turns.items():
                rounds[name].append(turn())
    with HeadEnd("", FEW) as embedded:
        on_sqlite = [
            embedded.drive(VEND, [embedded.utility], seconds=ROUND_SECONDS) for _ in range(3)
        ]
    return _results(rounds, on_sqlite)


def _results(rounds: dict[str, list[Round]], on_sqlite: list[Round]) -> list[Result]:
    rate = {name: _median_rate(some) for name, some in rounds.items()}
    p99 = {name: _median_p99_ms(some) for name, some in rounds.items()}
    sqlite = "required of the embedded database"

    def per_second(name: str, value: float, against: str, reference: float) -> Result:
        return Result(name, value, "vends/s", against, reference, ROUNDS)

    return [
        per_second("vend_api_16_clients", rate["vend"], PEER, rate["bare"]),
        Result("vend_api_16_clients_p99", p99["vend"], "ms", PEER, p99["bare"], ROUNDS),
        per_second("vend_trial", rate["trial"], "vend, 16 clients", rate["vend"]),
        per_second("vend_1000000_meters", rate["vend"], "1000 meters", rate["few"]),
        per_second("vend_one_wallet", rate["one"], "16 wallets", rate["spread"]),
        Result("vend_sqlite", _median_rate(on_sqlite), "vends/s", sqlite, SQLITE_RATE, 3),
        Result("vend_sqlite_p99", _median_p99_ms(on_sqlite), "ms", sqlite, SQLITE_P99_MS, 3),
    ]


def _median_rate(some: list[Round]) -> float:
    return statistics.median(each.per_second for each in some)


def _median_p99_ms(some: list[Round]) -> float:
    return statistics.median(1000 * each.percentile(99) for each in some)


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[int]:
    """Run the web server; yield its port."""
    port = free_port()
    arguments = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    arguments += ["--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--no-ws"]
    arguments += ["--workers-kill-timeout", "10"]
    program = str(Path(sys.executable).parent / "granian")
    server = subprocess.Popen(
        [program, *arguments, "--log-level", "error", "headend.config.wsgi:application"],
        env=environment,
    )
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the web server did not start")
