"""Fixtures that start MQTT brokers: real Mosquittos and embedded ones, on free ports."""

from __future__ import annotations

import getpass
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.broker.embedded import EmbeddedBroker, start_embedded_broker
from tools.broker.ports import free_port

START_SECONDS = 10


class Mosquitto:
    """A Mosquitto on 127.0.0.1, without persistence unless its configuration says so.

    Attributes:
        port: TCP port, the same after a restart.
        log: file that takes what it prints.
    """

    def __init__(self, program: str, folder: Path, configuration: str = "") -> None:
        self.port = free_port()
        self.log = folder / f"mosquitto-{self.port}.log"
        self._file = folder / f"mosquitto-{self.port}.conf"
        self._file.write_text(
            f"user {getpass.getuser()}\n"
            f"listener {self.port} 127.0.0.1\n"
            + ("" if "allow_anonymous" in configuration else "allow_anonymous true\n")
            + configuration
        )
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address as MQTT_URL wants it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> Mosquitto:
        """Start it and wait until it takes connections.

        Raises:
            RuntimeError: it ended or did not come up; the text holds its log.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-v", "-c", str(self._file)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        self.kill()
        raise RuntimeError(f"mosquitto did not start: {self.log.read_text()[-1000:]}")

    def kill(self) -> None:
        """End it hard (SIGKILL): what only its memory held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    stop = kill


Broker = Mosquitto | EmbeddedBroker


@pytest.fixture
def start_mosquitto(mosquitto: str, tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start Mosquittos: call it with configuration lines; all are ended after the test."""
    started: list[Mosquitto] = []

    def start(configuration: str = "") -> Mosquitto:
        broker = Mosquitto(mosquitto, tmp_path, configuration).start()
        started.append(broker)
        return broker

    yield start
    for broker in started:
        broker.kill()


@pytest.fixture
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """Run an embedded broker on a free port."""
    with start_embedded_broker() as broker:
        yield broker


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Run each kind of broker in turn; both have port, url, start and stop."""
    if request.param == "embedded":
        embedded: EmbeddedBroker = request.getfixturevalue("embedded_broker")
        return embedded
    start: Callable[..., Mosquitto] = request.getfixturevalue("start_mosquitto")
    return start()
