"""The embedded MQTT broker: rumqttd from the iotcore wheel, bound to loopback.

It has no rules on topics and forgets everything when it stops, so it is for demonstrations and
tests; what OpenPrepay promises never rests on a broker's memory.
"""

from __future__ import annotations

from types import TracebackType

import iotcore

from tools.broker.ports import free_port

HOST = "127.0.0.1"


class EmbeddedBroker:
    """A running embedded broker in a process of its own, which ends with ours.

    Attributes:
        port: TCP port on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._broker = iotcore.Broker(port=port, listen=HOST)

    @property
    def url(self) -> str:
        """Address as MQTT_URL wants it."""
        return f"mqtt://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """True while its process lives."""
        return bool(self._broker.is_running)

    def start(self) -> EmbeddedBroker:
        """Start it, or start it again after a stop, with an empty memory.

        Raises:
            OSError: the port is taken.
            RuntimeError: it does not come up within 10 s.
        """
        self._broker.start()
        return self

    def stop(self) -> None:
        """End its process at once; sessions and retained messages are gone. Twice is fine."""
        self._broker.stop()

    def __enter__(self) -> EmbeddedBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_embedded_broker(port: int = 0) -> EmbeddedBroker:
    """Start an embedded broker on 127.0.0.1.

    Args:
        port: TCP port; 0 takes a free one.

    Returns:
        The broker, accepting connections; call `stop()`, or use it in a `with`.

    Raises:
        OSError: the port is taken.
        RuntimeError: it does not come up within 10 s.
    """
    return EmbeddedBroker(port or free_port()).start()
