"""Vends over HTTP at the till, beside pgbench running the same statements bare.

The head-end runs as in production: granian with two worker processes, PostgreSQL with full
durability. A vend is the till's confirmation form: session, permissions, trial price, sale, token,
ledger, audit entry. The peer is pgbench with a vend's inserts and updates and nothing around them.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench.result import Result
from tools.broker.ports import free_port
from tools.testing.postgresql import Cluster, programs

METERS = 1000
ROUNDS = 3
ROUND_SECONDS = 5.0
WORKERS = 2
CLIENTS = (1, 16)
CASHIER = "bench-cashier"

_SEED = """
import os
from django.utils import timezone
from headend.accounts import groups
from headend.accounts.services import console_user, create_user
from headend.customers.services import open_agreement, register_customer
from headend.meters.services import KeyAttributes, install_meter, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.tariffs.models import Tariff
from headend.vending.demonstration import seed
from headend.vending.services import vend
from shared.sts import identifiers

now = timezone.now()
seed(at=now)
by = console_user()
create_user(username="{cashier}", password=os.environ["BENCH_PASSWORD"], groups=(groups.CASHIER,))
tariff = Tariff.objects.get()
for number in range({meters}):
    drn = identifiers.make_drn("04", f"2{{number:07}}")
    meter = register_meter(drn=drn, key=KeyAttributes(sgc=DEMONSTRATION_SGC), by=by, at=now)
    install_meter(meter, by=by, at=now)
    customer = register_customer(name=f"Customer {{number}}", phone="", by=by, at=now)
    open_agreement(customer=customer, address="Bench", meter=meter, tariff=tariff, by=by, at=now)
    print(drn)
vend(caller="bench", message_id="first", meter=meter, tender_minor=5000, operator=by, at=now)
"""

# A vend's statements as the services issue them, without anything around them.
_PGBENCH = r"""
\set meter random({lowest}, {highest})
\set message random(1, 9000000000000000)
\set entry random(1, 9000000000000000)
BEGIN;
SELECT a.id AS agreement, c.name, p.address, m.drn, m.last_tid, a.tariff_id
  FROM customers_supplyagreement a JOIN customers_customer c ON c.id = a.customer_id
  JOIN customers_premises p ON p.id = a.premises_id JOIN meters_meter m ON m.id = a.meter_id
  WHERE m.id = :meter AND a.ended_at IS NULL FOR UPDATE OF m \gset
SELECT id FROM vending_sale WHERE caller = 'pgbench' AND message_id = CAST(:message AS text);
SELECT id AS tariff_version FROM tariffs_tariffversion WHERE tariff_id = :tariff_id
  AND valid_from <= now() ORDER BY valid_from DESC LIMIT 1 \gset
UPDATE meters_meter SET last_tid = coalesce(last_tid, 0) + 1 WHERE id = :meter
  RETURNING last_tid AS tid \gset
SELECT sealed_key FROM securitymodule_vendingkey WHERE sgc = '201457' LIMIT 1;
INSERT INTO vending_sale (receipt_number, caller, message_id, request_digest, meter_id,
  agreement_id, tariff_version_id, operator_id, tender_minor, currency, sold_wh, issued_wh,
  encoded_wh, calculation, particulars, created_at)
  VALUES ('b' || CAST(:message AS text), 'pgbench', CAST(:message AS text), '\x00',
  :meter, :agreement, :tariff_version, {operator}, 5000, 'ZAR', 17391, 17300, 17300, '{{}}',
  '{{}}', now()) RETURNING id AS sale \gset
INSERT INTO vending_saleline (sale_id, position, kind, description, amount_minor, energy_wh)
  VALUES (:sale, 0, 'energy', 'Energy', 4348, 17300), (:sale, 1, 'tax', 'VAT 15 %', 652, NULL);
INSERT INTO vending_issuedtoken (meter_id, sale_id, position, digits, token_class, subclass,
  base_date, tid, units, krn, purpose, issued_by_id, issued_at)
  VALUES (:meter, :sale, 0, '63242037776698024827', 0, 0, 2014, :tid, 173, 1, 'sale', {operator},
  now());
INSERT INTO ledger_line (entry_id, account_id, amount_minor, currency) VALUES
  (:entry, {cash}, 5000, 'ZAR'), (:entry, {energy}, -4348, 'ZAR'), (:entry, {tax}, -652, 'ZAR');
INSERT INTO ledger_entry (id, at, description, reference)
  VALUES (:entry, now(), 'Vend', 'sale-b' || CAST(:message AS text));
INSERT INTO audit_auditentry (at, actor_id, actor_name, source, action, object_type, object_id,
  object_label, before, after, reason, signature) VALUES (now(), {operator}, 'cashier', 'pgbench',
  'vending.vend', 'vending.sale', CAST(:sale AS text), CAST(:message AS text), NULL,
  '{{}}', '', '\x00');
COMMIT;
"""


class _Client:
    """A cashier's browser: logs in once, then confirms vends on one connection."""

    def __init__(self, port: int, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        # Headers and body go out as two writes; without this the second waits for an answer.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._cookies: dict[str, str] = {}
        self._send("GET", "/log-in/")
        status = self._send("POST", "/log-in/", {"username": CASHIER, "password": password})
        if status != 302:
            raise RuntimeError(f"the bench cashier could not log in: HTTP {status}")

    def vend(self, drn: str) -> None:
        """Confirm one vend of 50.00 for a meter."""
        status = self._send(
            "POST", f"/till/{drn}/confirm/", {"amount": "50.00", "message_id": str(uuid.uuid4())}
        )
        if status != 302:
            raise RuntimeError(f"a vend was refused: HTTP {status}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, form: dict[str, str] | None = None) -> int:
        headers = {"Cookie": "; ".join(f"{name}={text}" for name, text in self._cookies.items())}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(
                {**form, "csrfmiddlewaretoken": self._cookies["csrftoken"]}
            )
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        answer.read()
        for header in answer.headers.get_all("Set-Cookie") or []:
            name, text = header.split(";")[0].split("=", 1)
            self._cookies[name] = text
        return answer.status


def run() -> list[Result]:
    """Measure vends/s and times with 1 and 16 clients, in rounds interleaved with pgbench."""
    with TemporaryDirectory(prefix="openprepay-bench-") as data, Cluster(durable=True) as cluster:
        password = uuid.uuid4().hex
        environment = {
            **os.environ,
            "DATABASE_URL": cluster.url,
            "OPENPREPAY_DATA": data,
            "OPENPREPAY_DEMONSTRATION": "1",
            "OPENPREPAY_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "headend.config.settings",
            "BENCH_PASSWORD": password,
        }
        meters = _prepare(environment)
        script = Path(data) / "vend.sql"
        script.write_text(_pgbench_script(cluster.url))
        port = free_port()
        server = _serve(environment, port)
        try:
            results = []
            for count in CLIENTS:
                results += _compare(count, port, password, meters, cluster.url, script)
            return results
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def _prepare(environment: dict[str, str]) -> list[str]:
    """Migrate and fill the database; return the meter numbers."""
    manage = [sys.executable, "-m", "django"]
    subprocess.run([*manage, "migrate", "--verbosity=0"], env=environment, check=True)
    done = subprocess.run(
        [*manage, "shell", "--verbosity=0", "-c", _SEED.format(cashier=CASHIER, meters=METERS)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return re.findall(r"^\d{11}$", done.stdout, re.MULTILINE)


def _pgbench_script(url: str) -> str:
    with psycopg.connect(url) as connection:

        def one(statement: str) -> str:
            (value,) = connection.execute(statement.encode()).fetchone() or ("",)
            return str(value)

        account = "SELECT id FROM ledger_account WHERE code LIKE '{}%'"
        return _PGBENCH.format(
            lowest=one("SELECT min(id) + 2 FROM meters_meter"),  # past the demonstration's own
            highest=one("SELECT max(id) FROM meters_meter"),
            operator=one(f"SELECT id FROM accounts_user WHERE username = '{CASHIER}'"),
            cash=one(account.format("cash.tills")),
            energy=one(account.format("sales.energy")),
            tax=one(account.format("tax.sales")),
        )


def _serve(environment: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    arguments = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    arguments += ["--workers", str(WORKERS), "--blocking-threads", "8", "--no-ws"]
    program = str(Path(sys.executable).parent / "granian")
    server = subprocess.Popen(
        [program, *arguments, "--log-level", "error", "headend.config.wsgi:application"],
        env=environment,
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise RuntimeError("the web server did not start")


def _compare(
    count: int, port: int, password: str, meters: list[str], url: str, script: Path
) -> list[Result]:
    clients = [_Client(port, password) for _ in range(count)]
    rates, times, peer_rates, peer_times = [], [], [], []
    for _ in range(ROUNDS):
        seconds = _load(clients, meters)
        rates.append(len(seconds) / ROUND_SECONDS)
        times += seconds
        rate, milliseconds = _pgbench(count, url, script)
        peer_rates.append(rate)
        peer_times.append(milliseconds)
    for client in clients:
        client.close()
    times.sort()
    peer = f"pgbench, {count} clients" if count > 1 else "pgbench, 1 client"
    suffix = f"{count}_client" + ("s" if count > 1 else "")
    return [
        Result(
            f"vend_http_{suffix}",
            statistics.median(rates),
            "vends/s",
            peer,
            statistics.median(peer_rates),
            ROUNDS,
        ),
        Result(
            f"vend_http_{suffix}_mean",
            1000 * statistics.fmean(times),
            "ms",
            peer,
            statistics.median(peer_times),
            ROUNDS,
        ),
        Result(
            f"vend_http_{suffix}_p99",
            1000 * times[int(len(times) * 0.99)],
            "ms",
            "no peer: pgbench gives no percentile",
            None,
            ROUNDS,
        ),
    ]


def _load(clients: list[_Client], meters: list[str]) -> list[float]:
    """Vend from all clients for a round; return how long each vend took, in seconds."""
    end = time.monotonic() + ROUND_SECONDS
    seconds: list[float] = []
    failures: list[BaseException] = []

    def work(client: _Client, own: list[str]) -> None:
        taken = 0
        try:
            while time.monotonic() < end:
                begin = time.perf_counter()
                client.vend(own[taken % len(own)])
                seconds.append(time.perf_counter() - begin)
                taken += 1
        except BaseException as error:
            failures.append(error)

    _in_parallel(
        [
            partial(work, client, meters[place :: len(clients)])
            for place, client in enumerate(clients)
        ]
    )
    if failures:
        raise failures[0]
    return seconds


def _in_parallel(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _pgbench(count: int, url: str, script: Path) -> tuple[float, float]:
    """Run pgbench for a round; return transactions per second and mean milliseconds."""
    parts = urllib.parse.urlsplit(url)
    sockets = urllib.parse.parse_qs(parts.query)["host"][0]
    done = subprocess.run(
        [
            str(programs() / "pgbench"),
            *("-h", sockets, "-U", str(parts.username), "-n", "-M", "prepared"),
            *("-c", str(count), "-T", str(round(ROUND_SECONDS)), "-f", str(script)),
            parts.path.lstrip("/"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    latency = re.search(r"latency average = ([\d.]+) ms", done.stdout)
    if rate is None or latency is None:
        raise RuntimeError(f"pgbench failed: {done.stderr.strip()}")
    return float(rate[1]), float(latency[1])
