"""Programs that vend: several connections kept open, each asking again as soon as it is answered.

One process and one thread drive all of them, with as little work for a request as Python allows:
they share the machine with what they measure.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_BUFFER = 65536
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class Round:
    """What came of a round. Times in seconds, sorted."""

    per_second: float
    seconds: list[float]

    def percentile(self, percent: float) -> float:
        """Return the time within which so much percent of the requests were answered."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * percent / 100))]


def request(path: str, *, key: str, body: str) -> bytes:
    """Return a POST as bytes."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode("ascii")


def drive(port: int, *, seconds: float, sources: Sequence[Callable[[], bytes]]) -> Round:
    """Send requests for a while, from as many clients as there are sources of them.

    Args:
        port: of the server on this machine.
        seconds: how long; what is under way then is still waited for and counted.
        sources: one a client; each call returns its next request.

    Raises:
        RuntimeError: an answer was not 200, or did not come.
    """
    poll = select.epoll()
    clients = {}
    for source in sources:
        client = _Client(port, source)
        clients[client.connection.fileno()] = client
        poll.register(client.connection.fileno(), select.EPOLLIN)
    begin = time.perf_counter()
    end = begin + seconds
    for client in clients.values():
        client.send()
    took: list[float] = []
    under_way = len(clients)
    while under_way:
        ready = poll.poll(_PATIENCE_S)
        if not ready:
            raise RuntimeError("the server does not answer")
        for number, _ in ready:
            client = clients[number]
            if not client.is_answered():
                continue
            now = time.perf_counter()
            took.append(now - client.sent_at)
            if now < end:
                client.send()
            else:
                under_way -= 1
    elapsed = time.perf_counter() - begin
    poll.close()
    for client in clients.values():
        client.connection.close()
    return Round(len(took) / elapsed, sorted(took))


class _Client:
    """One connection, with at most one request under way."""

    def __init__(self, port: int, source: Callable[[], bytes]) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._source = source
        self._received = b""

    def send(self) -> None:
        """Send the next request."""
        following = self._source()
        self._received = b""
        self.sent_at = time.perf_counter()
        self.connection.sendall(following)

    def is_answered(self) -> bool:
        """Read what came; say whether the answer is complete.

        Raises:
            RuntimeError: it is another one than 200.
        """
        self._received += self.connection.recv(_BUFFER)
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            if not self._received:
                raise RuntimeError("the server closed a connection")
            return False
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a request was refused: {self._received[:2000]!r}")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return len(body) >= int(length)
