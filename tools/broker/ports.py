"""Finds TCP ports on loopback that nobody uses."""

from __future__ import annotations

import random
import socket

LOWEST = 20000
HIGHEST = 32000  # below what Linux hands out for outgoing connections


def free_port() -> int:
    """Return a TCP port on 127.0.0.1 that was free a moment ago.

    Raises:
        OSError: none found in many tries.
    """
    for _ in range(200):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {LOWEST} and {HIGHEST}")
