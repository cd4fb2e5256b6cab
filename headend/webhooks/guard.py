"""Which addresses events may be sent to: the internet, and networks the settings name.

Whoever subscribes chooses where the head-end connects to. Without this it could be led to its own
database, to a cloud's metadata service or to a meter network. The name is resolved once, each
address is checked, and the connection goes to that very address, so that a name which answers
differently a moment later gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from headend.webhooks.errors import InvalidWebhook

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LONGEST_URL = 500
_USUAL_PORTS = {"https": 443, "http": 80}


class Forbidden(Exception):
    """The address may not be connected to, or there is none; the text says why."""


class Target(NamedTuple):
    """The parts of a webhook's URL that matter for connecting."""

    is_tls: bool
    host: str
    port: int
    path: str


def networks(words: Sequence[str]) -> list[Network]:
    """Return the networks that a setting names, such as "10.1.0.0/16".

    Raises:
        ValueError: one is none.
    """
    return [ipaddress.ip_network(word, strict=False) for word in words]


def target(url: str, *, allowed: Sequence[Network]) -> Target:
    """Return the parts of a URL.

    Args:
        url: as the subscriber gave it.
        allowed: networks of the settings; only to them may be sent without TLS.

    Raises:
        InvalidWebhook: it is no address to which events can be sent.
    """
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidWebhook(f"an address has up to {_LONGEST_URL} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidWebhook(f"{url} is no address") from None
    if parts.scheme not in _USUAL_PORTS or not parts.hostname or port == 0:
        raise InvalidWebhook("an address is https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidWebhook("an address has no user, password or fragment; events are signed")
    if parts.scheme == "http" and not allowed:
        raise InvalidWebhook("events go by https only; this installation allows no other way")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        parts.scheme == "https", parts.hostname, port or _USUAL_PORTS[parts.scheme], path
    )


def addresses(wanted: Target, *, allowed: Sequence[Network]) -> list[str]:
    """Return the addresses of a host that may be connected to, those preferred first.

    Args:
        wanted: whose host.
        allowed: networks of the settings.

    Raises:
        Forbidden: the name has none.
    """
    try:
        found = socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Forbidden(f"the name {wanted.host} is not known: {error}") from None
    texts = dict.fromkeys(str(info[4][0]) for info in found)
    open_to_us = [
        text
        for text in texts
        if is_allowed(ipaddress.ip_address(text), allowed=allowed, is_tls=wanted.is_tls)
    ]
    if not open_to_us:
        raise Forbidden(f"{wanted.host} is at an address to which events are not sent")
    return open_to_us


def is_allowed(address: IPAddress, *, allowed: Sequence[Network], is_tls: bool) -> bool:
    """Tell whether an address may be connected to.

    Args:
        address: also an IPv6 address that stands for an IPv4 one is judged by that.
        allowed: networks of the settings.
        is_tls: without TLS only addresses of those networks are allowed.
    """
    address = _meant(address)
    if any(address in network for network in allowed):
        return True
    return is_tls and address.is_global and not address.is_multicast and not address.is_reserved


def _meant(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 address only wraps, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        return ipaddress.IPv6Address(int(address))
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    wrapped = address.ipv4_mapped or address.sixtofour
    if wrapped is None and address.teredo is not None:
        wrapped = address.teredo[1]
    return wrapped or address
