"""How a message leaves the head-end: printed on the console, or handed to apprise's carriers."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import Protocol, TextIO
from urllib.parse import quote

from headend.config.environment import BadSetting
from headend.notifications.models import Notification

_PLACE = re.compile(r"\{(phone|email)\}")


class NotDelivered(Exception):
    """A carrier did not take the message; the text says why."""


class Carrier(Protocol):
    """Takes one message to its recipient."""

    def deliver(self, notification: Notification) -> None:
        """Deliver one message.

        Raises:
            NotDelivered: the carrier did not take it.
        """


class ConsoleCarrier:
    """Prints messages: what a demonstration shows, and the default."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def deliver(self, notification: Notification) -> None:
        """Print one message to the stream, standard output unless told otherwise."""
        stream = self._stream or sys.stdout
        stream.write(
            f"[notification to {notification.recipient}] "
            f"{notification.subject}: {notification.body}\n"
        )
        stream.flush()


class AppriseCarrier:
    """Sends by every configured apprise URL; `{phone}` and `{email}` in one name the recipient.

    A URL with a place for an address that the recipient has not got is left out.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)

    def deliver(self, notification: Notification) -> None:
        """Send one message by all URLs that can reach its recipient.

        Raises:
            NotDelivered: no URL fits the recipient, or a service refused it.
        """
        import apprise  # slow to import, and not needed by the console

        sender = apprise.Apprise()
        for url in self._urls:
            filled = fill(url, phone=notification.phone, email=notification.email)
            if filled is None:
                continue
            if not sender.add(filled):
                raise NotDelivered("a notification URL in the settings is not understood")
        if not len(sender):
            raise NotDelivered(f"no configured carrier reaches {notification.recipient}")
        if not sender.notify(title=notification.subject, body=notification.body):
            raise NotDelivered("the carrier refused the message")


def fill(url: str, *, phone: str, email: str) -> str | None:
    """Put the recipient's addresses into a URL.

    Args:
        url: apprise URL, with `{phone}` or `{email}` where an address belongs.
        phone: the recipient's telephone number, or empty.
        email: the recipient's mail address, or empty.

    Returns:
        The URL, or None when it needs an address that is empty.
    """
    addresses = {"phone": phone, "email": email}
    if any(not addresses[place] for place in _PLACE.findall(url)):
        return None
    return _PLACE.sub(lambda match: quote(addresses[match[1]], safe=""), url)


def configured(urls: Sequence[str]) -> Carrier:
    """Return the carrier for the configured URLs: the console when there are none.

    Raises:
        BadSetting: a URL is none that apprise knows.
    """
    if not urls:
        return ConsoleCarrier()
    import apprise

    for number, url in enumerate(urls, start=1):
        filled = fill(url, phone="+27000000000", email="somebody@example.org")
        if filled is None or apprise.Apprise.instantiate(filled) is None:
            raise BadSetting(
                f"OPENPREPAY_NOTIFICATION_URLS: number {number} of {len(urls)} is no address that "
                "Apprise knows"
            )
    return AppriseCarrier(urls)
