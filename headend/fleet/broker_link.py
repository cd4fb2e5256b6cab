"""The gateway's MQTT connection: paho driven by hand, so that everything happens in one thread.

paho's own thread could acknowledge a message that a reconnect has meanwhile given to another
session. Here reading, storing and acknowledging follow each other in one place.
"""

from __future__ import annotations

import logging
import select
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django.utils import timezone
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from headend.fleet.ingest import Arrival
from shared.wire import topics

log = logging.getLogger(__name__)

KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 5.0
_FIRST_BACKOFF_S, _LONGEST_BACKOFF_S = 0.2, 10.0
_BATCH = 200  # messages of one transaction
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool

    @classmethod
    def parse(cls, url: str) -> BrokerAddress:
        """Read `mqtt://[user[:password]@]host[:port]`, or mqtts for TLS.

        Args:
            url: as the settings took it.
        """
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=parts.scheme == "mqtts",
        )


def _confirm_at_once(sock: Any) -> None:
    """Have the kernel confirm what was read; a broker that gathers small packets waits for it.

    Measured with rumqttd, which does: 42 ms less from a command to its answer. Linux forgets the
    option, so it is set after every read.
    """
    if isinstance(sock, socket.socket) and hasattr(socket, "TCP_QUICKACK"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


class BrokerLink:
    """Keeps a connection and collects what it brings.

    Args:
        address: the broker.
        client_id: fixed, so that the broker keeps our queue while we are away.
        prefix: of all topics.
        share: group name if several workers share the stream.
    """

    def __init__(
        self, address: BrokerAddress, *, client_id: str, prefix: str, share: str | None = None
    ) -> None:
        self._address = address
        self._filter = topics.all_up(prefix, share)
        self._client = self._make_client(client_id)
        self._arrivals: list[tuple[mqtt.MQTTMessage, Arrival]] = []
        self._taken: list[int] = []
        self._retry_at = 0.0
        self._backoff_s = _FIRST_BACKOFF_S
        self.is_connected = False

    def _make_client(self, client_id: str) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(1000)  # the window is the gateway's
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    # --- what the gateway calls ------------------------------------------------------------

    def exchange(self, *, timeout_s: float, wake: Sequence[int] = ()) -> None:
        """Wait for something to happen, then read and write what there is.

        Args:
            timeout_s: longest wait.
            wake: other file descriptors that end the wait when they turn readable.
        """
        if self._client.socket() is None:
            self._try_to_connect()
        sock = self._client.socket()
        if sock is None:
            pause = min(timeout_s, max(self._retry_at - time.monotonic(), 0.0))
            select.select(list(wake), [], [], pause)
            return
        descriptor = sock.fileno()
        buffered = sock.pending() if isinstance(sock, ssl.SSLSocket) else 0
        writers = [descriptor] if self._client.want_write() else []
        readable, writable, _ = select.select(
            [descriptor, *wake], writers, [], 0 if buffered else timeout_s
        )
        if writable:
            self._client.loop_write()
        if buffered or descriptor in readable:
            self._read_all()
        self._client.loop_misc()

    def take_arrivals(self) -> list[tuple[mqtt.MQTTMessage, Arrival]]:
        """Return the messages that came; each must be acknowledged or left to come again."""
        arrivals, self._arrivals = self._arrivals, []
        return arrivals

    def take_acknowledged(self) -> list[int]:
        """Return the ids of publications that the broker has acknowledged."""
        taken, self._taken = self._taken, []
        return taken

    def acknowledge(self, messages: Sequence[mqtt.MQTTMessage]) -> None:
        """Tell the broker that messages are stored; it forgets them."""
        for message in messages:
            if message.qos == 1 and self._client.is_connected():
                self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Publish with QoS 1; the id returned is among the acknowledged ones later."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def drop(self) -> None:
        """Close the connection without acknowledging: what is unacknowledged comes again."""
        self._arrivals.clear()
        self._client.disconnect()
        self._lose("dropped")

    def close(self) -> None:
        """Leave in good order."""
        self._client.disconnect()
        if self._client.want_write():
            self._client.loop_write()

    # --- inside ------------------------------------------------------------------------------

    def _try_to_connect(self) -> None:
        if time.monotonic() < self._retry_at:
            return
        try:
            self._client.connect(self._address.host, self._address.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._lose(str(error))

    def _lose(self, why: str) -> None:
        if self.is_connected or self._backoff_s == _FIRST_BACKOFF_S:
            log.warning("no broker at %s:%s: %s", self._address.host, self._address.port, why)
        self.is_connected = False
        self._retry_at = time.monotonic() + self._backoff_s
        self._backoff_s = min(self._backoff_s * 2, _LONGEST_BACKOFF_S)

    def _read_all(self) -> None:
        """Read packets until there are none at once, or enough for one transaction."""
        while len(self._arrivals) < _BATCH:
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            sock = self._client.socket()
            if sock is None:
                return
            _confirm_at_once(sock)
            if isinstance(sock, ssl.SSLSocket) and sock.pending():
                continue
            if not select.select([sock.fileno()], [], [], 0)[0]:
                return

    def _on_socket_open(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        """Send small packets at once; waiting for more would cost 40 ms a command."""
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            log.error("the broker refuses the gateway: %s; check MQTT_URL", reason)
            return
        client.subscribe(self._filter, qos=1)

    def _on_subscribe(
        self, client: mqtt.Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        """Only now is there a connection: an answer to what is published can reach us."""
        if any(each.is_failure for each in reasons):
            log.error("the broker does not let the gateway subscribe to %s", self._filter)
            return
        log.info("connected to the broker at %s:%s", self._address.host, self._address.port)
        self.is_connected = True
        self._backoff_s = _FIRST_BACKOFF_S

    def _on_disconnect(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self._lose(str(reason))

    def _on_message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._arrivals.append(
            (
                message,
                Arrival(
                    topic=topic,
                    payload=bytes(message.payload),
                    is_retained=bool(message.retain),
                    at=timezone.now(),
                ),
            )
        )

    def _on_publish(
        self, client: mqtt.Client, userdata: Any, mid: int, reason: Any, properties: Any
    ) -> None:
        self._taken.append(mid)
