"""The host's end of the bench protocol: JSON lines with one simulated board over loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]


class Bench:
    """Waits for a board to connect, again after each of its power cuts.

    Args:
        observe: called with each message of the board, on the bench's own thread.
    """

    def __init__(self, observe: Callable[[Message], None]) -> None:
        self._observe = observe
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connection: socket.socket | None = None
        self._lock = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name="bench", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """TCP port on which the board finds us."""
        return int(self._listener.getsockname()[1])

    def send(self, message: Message) -> bool:
        """Send a message; False when no board is there to take it."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            if self._connection is None:
                return False
            try:
                self._connection.sendall(line)
            except OSError:
                return False
        return True

    def wait_until_heard_out(self, timeout: float) -> None:
        """Wait until all that a board said before it hung up has been observed."""
        with self._lock:
            self._lock.wait_for(lambda: self._connection is None, timeout)

    def close(self) -> None:
        """Stop listening and hang up."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            if self._connection is not None:
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connection = connection
            self._read(connection)
            with self._lock:
                self._connection = None
                self._lock.notify_all()
            connection.close()

    def _read(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while True:
                try:
                    line = lines.readline()
                except OSError:
                    return
                if not line:
                    return
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # a line torn by a power cut
                self._observe(message)
