"""Sends one event by HTTP: to a checked address, with a time-out, without redirects."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headend.webhooks import guard
from headend.webhooks.errors import InvalidWebhook

CONNECT_S = 5.0
ANSWER_S = 15.0  # from the connection on, for the whole exchange
_MOST_ADDRESSES = 3


class Outcome(NamedTuple):
    """What became of one attempt.

    Attributes:
        status: of the answer; None if there was none.
        error: why it failed; empty if it was taken.
        wished_s: how long the receiver asks to be left alone, 0 if it does not say.
    """

    status: int | None
    error: str
    wished_s: int = 0


class Sender:
    """Sends to the internet and to networks that the settings allow.

    Args:
        allowed: those networks.
        authorities: file of certificate authorities that are trusted besides the system's.
        answer_s: how long a receiver may take.
    """

    def __init__(
        self,
        allowed: Sequence[guard.Network],
        *,
        authorities: str = "",
        answer_s: float = ANSWER_S,
    ) -> None:
        self._allowed = allowed
        self._answer_s = answer_s
        self._context = ssl.create_default_context()
        if authorities:
            self._context.load_verify_locations(authorities)

    def send(self, url: str, body: bytes, headers: dict[str, str]) -> Outcome:
        """Send a body once; never raises for what a receiver or the network does."""
        try:
            wanted = guard.target(url, allowed=self._allowed)
            connected = self._connected(wanted)
            with contextlib.closing(connected), _ended_after(connected, self._answer_s):
                return _exchange(connected, wanted, body, headers)
        except (guard.Forbidden, InvalidWebhook) as error:
            return Outcome(None, str(error))
        except ssl.SSLCertVerificationError as error:
            return Outcome(None, f"its certificate is not trusted: {error.verify_message}")
        except TimeoutError:
            return Outcome(None, "it did not answer in time")
        except OSError as error:
            return Outcome(None, f"it can't be reached: {error.strerror or error}"[:300])
        except http.client.HTTPException as error:
            return Outcome(None, f"it does not speak HTTP: {type(error).__name__} {error}"[:300])

    def _connected(self, wanted: guard.Target) -> socket.socket:
        """Connect to the first address that takes us; the handshake of TLS is still to come.

        Raises:
            guard.Forbidden, OSError.
        """
        connected = _first_connected(
            guard.addresses(wanted, allowed=self._allowed)[:_MOST_ADDRESSES], wanted.port
        )
        connected.settimeout(self._answer_s)
        if not wanted.is_tls:
            return connected
        return self._context.wrap_socket(
            connected, server_hostname=wanted.host, do_handshake_on_connect=False
        )


def _first_connected(addresses: Sequence[str], port: int) -> socket.socket:
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), CONNECT_S)
    return socket.create_connection((addresses[-1], port), CONNECT_S)


def _exchange(
    connected: socket.socket, wanted: guard.Target, body: bytes, headers: dict[str, str]
) -> Outcome:
    if isinstance(connected, ssl.SSLSocket):
        connected.do_handshake()
    kind = http.client.HTTPSConnection if wanted.is_tls else http.client.HTTPConnection
    connection = kind(wanted.host, wanted.port)  # by which it makes the Host header
    connection.sock = connected
    connection.request("POST", wanted.path, body=body, headers=headers)
    answer = connection.getresponse()
    if 200 <= answer.status < 300:
        return Outcome(answer.status, "")
    if 300 <= answer.status < 400:
        return Outcome(answer.status, "it answered with a redirect, which is not followed")
    wished = answer.headers.get("Retry-After", "")
    wished_s = int(wished) if wished.isascii() and wished.isdigit() and len(wished) < 9 else 0
    return Outcome(answer.status, f"it answered {answer.status}", wished_s)


@contextlib.contextmanager
def _ended_after(connected: socket.socket, seconds: float) -> Iterator[None]:
    """End a connection that takes longer, even if now and then a byte arrives.

    Raises:
        TimeoutError: it took longer.
    """
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if is_late.is_set():
            raise TimeoutError("it took too long") from error
        raise
    finally:
        timer.cancel()
