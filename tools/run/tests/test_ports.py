"""Ports: what was asked for or a clear refusal, else the next free one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tools.broker.ports import free_port
from tools.run import ports


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        yield listener.getsockname()[1]


def test_a_busy_port_that_was_asked_for_is_refused(busy_port: int) -> None:
    with pytest.raises(ports.PortBusy, match=f"port {busy_port} is taken.*--web-port"):
        ports.choose(busy_port, usual=8400, purpose="web", taken=set())


def test_a_busy_usual_port_is_passed_over(busy_port: int) -> None:
    chosen = ports.choose(None, usual=busy_port, purpose="web", taken=set())
    assert busy_port < chosen < busy_port + 50


def test_one_port_is_not_promised_twice() -> None:
    taken: set[int] = set()
    usual = free_port()
    first = ports.choose(None, usual=usual, purpose="web", taken=taken)
    second = ports.choose(None, usual=usual, purpose="panel", taken=taken)
    assert {first, second} == taken
    assert first != second
