"""Cables carry bytes while plugged in, and nothing while pulled out."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator

import pytest

from tools.simulate.wires import NetworkCable, SerialCable


@pytest.fixture
def serial() -> Iterator[tuple[SerialCable, int, int]]:
    cable = SerialCable()
    ends = [os.open(path, os.O_RDWR | os.O_NOCTTY) for path in cable.ends]
    yield cable, ends[0], ends[1]
    for end in ends:
        os.close(end)
    cable.close()


def test_a_serial_cable_carries_every_byte_both_ways(
    serial: tuple[SerialCable, int, int],
) -> None:
    _, meter, keypad = serial
    every_byte = bytes(range(256))
    os.write(meter, every_byte)
    assert _read(keypad, 256) == every_byte
    os.write(keypad, every_byte)
    assert _read(meter, 256) == every_byte


def test_what_is_sent_while_a_serial_cable_is_out_is_lost(
    serial: tuple[SerialCable, int, int],
) -> None:
    cable, meter, keypad = serial
    cable.plug(False)
    os.write(meter, b"lost")
    cable.plug(True)
    os.write(meter, b"kept")
    assert _read(keypad, 4) == b"kept"


@pytest.fixture
def broker() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


def test_a_network_cable_connects_breaks_and_connects_again(broker: socket.socket) -> None:
    cable = NetworkCable("127.0.0.1", broker.getsockname()[1])
    near = socket.create_connection(("127.0.0.1", cable.port), 5)
    far, _ = broker.accept()
    near.sendall(b"hello")
    assert far.recv(5) == b"hello"

    cable.plugged = False
    assert near.recv(1) == b""
    assert far.recv(1) == b""
    with socket.create_connection(("127.0.0.1", cable.port), 5) as refused:
        assert refused.recv(1) == b""

    cable.plugged = True
    with socket.create_connection(("127.0.0.1", cable.port), 5) as again:
        far_again, _ = broker.accept()
        far_again.sendall(b"welcome")
        assert again.recv(7) == b"welcome"
        far_again.close()
    cable.close()


def _read(descriptor: int, count: int) -> bytes:
    received = b""
    while len(received) < count:
        ready, _, _ = select.select([descriptor], [], [], 5)
        assert ready, f"only {received!r} came through"
        received += os.read(descriptor, count - len(received))
    return received
