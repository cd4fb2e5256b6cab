"""Each broker starts on loopback, keeps a session while it lives and forgets it when it ends."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import paho.mqtt.client as mqtt
import pytest

from tools.broker.embedded import EmbeddedBroker, start_embedded_broker
from tools.broker.ports import free_port
from tools.testing.brokers import Broker, Mosquitto

ADDRESSES = "/proc/net/tcp"


def connect(port: int, wanted: Callable[[mqtt.Client], object]) -> tuple[bool, list[bytes]]:
    """Open the session "s"; return whether it was there, and what arrived until the end did."""
    end = uuid4().bytes  # of this call: the last one may come again, as it was not acknowledged
    present: list[bool] = []
    messages: list[bytes] = []
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2, "s", clean_session=False, protocol=mqtt.MQTTv311
    )

    def on_connect(client: mqtt.Client, _data: Any, flags: Any, _code: Any, _more: Any) -> None:
        present.append(flags.session_present)
        client.subscribe([("t/#", 1), ("end", 1)])

    def on_subscribe(client: mqtt.Client, *_: Any) -> None:
        wanted(client)
        client.publish("end", end, 1)

    def on_message(client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.payload == end:
            client.disconnect()
        elif message.topic != "end":
            messages.append(bytes(message.payload))

    client.on_connect, client.on_subscribe, client.on_message = (
        on_connect,
        on_subscribe,
        on_message,
    )
    client.connect("127.0.0.1", port)
    client.loop_forever()
    return present[0], messages


def test_a_session_lives_as_long_as_the_broker(broker: Broker) -> None:
    present, _ = connect(broker.port, lambda _client: None)
    assert not present
    present, retained = connect(
        broker.port, lambda client: client.publish("t/kept", b"kept", 1, retain=True)
    )
    assert present
    assert retained == [b"kept"]
    broker.stop()
    broker.start()
    present, retained = connect(broker.port, lambda _client: None)
    assert not present
    assert retained == []


def test_brokers_listen_on_loopback_only(broker: Broker) -> None:
    listening = subprocess.run(
        ["cat", ADDRESSES, ADDRESSES + "6"], capture_output=True, text=True, check=True
    ).stdout
    hexadecimal = f":{broker.port:04X} "
    found = [
        line.split()[1] for line in listening.splitlines() if hexadecimal in line.split(" 0A ")[0]
    ]
    assert [address for address in found if not address.startswith("0100007F")] == []


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=str(port)):
            start_embedded_broker(port)


def test_stop_twice_and_url(embedded_broker: EmbeddedBroker) -> None:
    assert embedded_broker.url == f"mqtt://127.0.0.1:{embedded_broker.port}"
    assert embedded_broker.running
    embedded_broker.stop()
    embedded_broker.stop()
    assert not embedded_broker.running


def test_a_bad_mosquitto_configuration_shows_its_log(mosquitto: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Unknown configuration"):
        Mosquitto(mosquitto, tmp_path, "nonsense true\n").start()


def test_free_ports_are_below_those_for_outgoing_connections() -> None:
    assert 20000 <= free_port() <= 32000
