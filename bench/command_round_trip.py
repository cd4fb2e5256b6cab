"""A command from the head-end to a real meter firmware and its answer back in the database.

The gateway, the embedded broker and the firmware in MicroPython run as in `make run`. The peer is
the bare way: a message to an echoing client and back through the same broker, QoS 1 both ways.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import paho.mqtt.client as mqtt
from rich.console import Console

from bench.result import Result
from tools.demo.stage import Stage

ROUNDS = 5
PER_ROUND = 20
PATIENCE_S = 10.0
_ASK, _ANSWER = "bench/ask", "bench/answer"


def run() -> list[Result]:
    """Measure p50 and p99 of `ping` round trips, in rounds interleaved with the peer's."""
    with TemporaryDirectory(prefix="openprepay-bench-") as folder:
        stage = Stage(Path(folder), "combined", "micropython", None, Console(quiet=True))
        with stage:
            echo = _Echo(stage.broker_port)
            ours: list[float] = []
            bare: list[float] = []
            stage.command("ping")
            for _ in range(ROUNDS):
                ours += [_ping_ms(stage) for _ in range(PER_ROUND)]
                bare += [_milliseconds(echo.round_trip) for _ in range(PER_ROUND)]
            echo.close()
    return [
        _row("command_round_trip_p50", ours, bare, 0.50),
        _row("command_round_trip_p99", ours, bare, 0.99),
    ]


def _row(name: str, ours: list[float], bare: list[float], share: float) -> Result:
    return Result(name, _quantile(ours, share), "ms", "bare echo", _quantile(bare, share), ROUNDS)


def _quantile(times: list[float], share: float) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[round(share * 100) - 1]


def _ping_ms(stage: Stage) -> float:
    """From the order's transaction to the answer's, by the times the head-end stored."""
    command = stage.command("ping")
    if command.state != "accepted" or command.finished_at is None:
        raise RuntimeError(f"a ping ended as {command.state}")
    return (command.finished_at - command.created_at).total_seconds() * 1000


def _milliseconds(act: Callable[[], None]) -> float:
    begin = time.perf_counter()
    act()
    return (time.perf_counter() - begin) * 1000


class _Echo:
    """Two clients of the broker: one asks, the other answers the same."""

    def __init__(self, port: int) -> None:
        self._answered = threading.Event()
        self._ready = threading.Semaphore(0)
        self._asker = self._client(port, _ANSWER, lambda _: self._answered.set())
        self._echoer = self._client(port, _ASK, self._echo)

    def round_trip(self) -> None:
        """Ask once and wait for the answer."""
        self._answered.clear()
        self._asker.publish(_ASK, b"x" * 200, qos=1)
        if not self._answered.wait(PATIENCE_S):
            raise RuntimeError("the broker lost an echo")

    def close(self) -> None:
        """Disconnect both clients."""
        for client in (self._asker, self._echoer):
            client.disconnect()
            client.loop_stop()

    def _echo(self, payload: bytes) -> None:
        self._echoer.publish(_ANSWER, payload, qos=1)

    def _client(self, port: int, topic: str, take: Callable[[bytes], None]) -> mqtt.Client:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.on_message = lambda _client, _data, message: take(bytes(message.payload))
        client.on_subscribe = lambda *_: self._ready.release()
        client.connect("127.0.0.1", port)
        line = client.socket()
        assert isinstance(line, socket.socket)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.loop_start()
        client.subscribe(topic, qos=1)
        if not self._ready.acquire(timeout=PATIENCE_S):
            raise RuntimeError("the broker did not take a subscription")
        return client
