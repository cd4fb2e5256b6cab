"""Cables that can be pulled out: the serial pair to a keypad, and the network to the broker."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty


class SerialCable:
    """Two pseudo terminals whose bytes the host carries across while plugged in."""

    def __init__(self) -> None:
        self._plugged = True
        self._settled = threading.Event()
        self._masters: list[int] = []
        self._slaves: list[int] = []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            self._masters.append(master)
            self._slaves.append(slave)  # kept open, so that the line outlives a program's restart
        self.ends = [os.ttyname(slave) for slave in self._slaves]
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="serial cable", daemon=True)
        self._thread.start()

    @property
    def plugged(self) -> bool:
        """True while bytes pass."""
        return self._plugged

    def plug(self, plugged: bool) -> None:
        """Plug in or pull out; what was sent before meets the cable as it was before."""
        self._settled.clear()
        os.write(self._wake_write, b"1" if plugged else b"0")
        self._settled.wait(5)

    def close(self) -> None:
        """Take the cable away."""
        os.write(self._wake_write, b"x")
        self._thread.join()
        for descriptor in (*self._masters, *self._slaves, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _carry(self) -> None:
        first, second = self._masters
        while True:
            ready, _, _ = select.select([first, second, self._wake_read], [], [])
            for source, target in ((first, second), (second, first)):
                if source in ready:
                    data = os.read(source, 4096)
                    if self._plugged:
                        os.write(target, data)
            if self._wake_read in ready:
                order = os.read(self._wake_read, 1)
                if order == b"x":
                    return
                self._plugged = order == b"1"
                self._settled.set()


class NetworkCable:
    """Carries a meter's TCP connections to the broker; pulled out, all of them break.

    Args:
        host: where the broker is.
        port: its port.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._plugged = True
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, name="network cable", daemon=True).start()

    @property
    def port(self) -> int:
        """Loopback port to which the meter connects."""
        return int(self._listener.getsockname()[1])

    @property
    def plugged(self) -> bool:
        """True while connections pass."""
        return self._plugged

    @plugged.setter
    def plugged(self, plugged: bool) -> None:
        with self._lock:
            self._plugged = plugged
            pairs = set() if plugged else set(self._pairs)
        for pair in pairs:
            _hang_up(pair)

    def close(self) -> None:
        """Take the cable away."""
        self.plugged = False
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        if not self._plugged:
            near.close()
            return
        try:
            far = socket.create_connection(self._target, timeout=5)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (near, far)
        with self._lock:
            self._pairs.add(pair)
            still_plugged = self._plugged
        if not still_plugged:
            _hang_up(pair)
        threading.Thread(target=_pump, args=(far, near, pair), daemon=True).start()
        _pump(near, far, pair)
        with self._lock:
            self._pairs.discard(pair)


def _pump(source: socket.socket, target: socket.socket, pair: tuple[socket.socket, ...]) -> None:
    """Copy bytes until either end closes, then hang up both."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    _hang_up(pair)


def _hang_up(pair: tuple[socket.socket, ...]) -> None:
    for end in pair:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
