"""Chooses loopback ports: the one asked for, or the next free one when nobody asked."""

from __future__ import annotations

import socket


class PortBusy(Exception):
    """Something else listens there; the text says what to do."""


def choose(wanted: int | None, *, usual: int, purpose: str, taken: set[int]) -> int:
    """Return a port on 127.0.0.1 that is free now.

    Args:
        wanted: what the user asked for; None lets us choose.
        usual: first choice when the user did not ask.
        purpose: what it is for, in an error's words; also names the option.
        taken: ports promised to others; the chosen one is added.

    Raises:
        PortBusy: the asked one is not free, or none near the usual one is.
    """
    for port in [wanted] if wanted is not None else range(usual, usual + 50):
        if port not in taken and _is_free(port):
            taken.add(port)
            return port
    if wanted is not None:
        raise PortBusy(
            f"port {wanted} is taken by another program; choose another one with "
            f"--{purpose}-port, or leave the option out and a free one is taken"
        )
    raise PortBusy(f"no free port from {usual} to {usual + 49}; choose one with --{purpose}-port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
