"""Messages to people: queued once, tried again with growing pauses, given up at last."""

from __future__ import annotations

import datetime
import io
from typing import Any

import apprise
import pytest

from headend.config.environment import BadSetting
from headend.notifications import carriers, queries, services
from headend.notifications.carriers import (
    AppriseCarrier,
    ConsoleCarrier,
    NotDelivered,
    configured,
    fill,
)
from headend.notifications.models import Notification

START = datetime.datetime(2026, 11, 21, 8, 0, tzinfo=datetime.UTC)

pytestmark = pytest.mark.django_db


def _queue(key: str = "one", **changes: str) -> Notification:
    fields = {
        "kind": "low_credit",
        "recipient": "Thandi",
        "phone": "+27820000001",
        "email": "thandi@example.org",
        "subject": "Credit is low",
        "body": "4.9 kWh left",
        **changes,
    }
    return services.notify(key=key, at=START, **fields)


class _Carrier:
    """Takes messages, or fails in a given way."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.delivered: list[str] = []

    def deliver(self, notification: Notification) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.delivered.append(notification.key)


def _deliver(carrier: Any, minutes: float = 0) -> int:
    at = START + datetime.timedelta(minutes=minutes)
    return services.deliver_due(carrier=carrier, at=at)


def test_a_message_is_queued_once_per_occasion() -> None:
    assert _queue() == _queue(body="another text")
    assert _queue("two") != _queue("one")
    assert list(queries.recent().values_list("key", flat=True)) == ["two", "one"]


def test_a_message_is_delivered_once() -> None:
    _queue()
    carrier = _Carrier()
    assert _deliver(carrier) == 1
    assert _deliver(carrier, 10_000) == 0
    assert carrier.delivered == ["one"]
    sent = Notification.objects.get()
    assert (sent.state, sent.sent_at, sent.attempts) == ("sent", START, 1)


def test_a_failure_is_tried_again_later() -> None:
    _queue()
    carrier = _Carrier(NotDelivered("busy"), RuntimeError("bug of a plug-in"))
    _deliver(carrier)
    assert Notification.objects.get().last_error == "busy"
    assert _deliver(carrier, 0.5) == 0
    assert _deliver(carrier, 1) == 1
    assert "bug of a plug-in" in Notification.objects.get().last_error
    assert _deliver(carrier, 6) == 1
    assert carrier.delivered == ["one"]
    assert Notification.objects.get().last_error == ""


def test_it_gives_up_after_days() -> None:
    _queue()
    carrier = _Carrier(*[NotDelivered("no such number")] * 100)
    minutes = 0.0
    tries = 0
    while Notification.objects.get().state == "pending":
        tries += _deliver(carrier, minutes)
        minutes += 1 if tries < 4 else 60
    assert tries == len(services.RETRY_MINUTES) + 1
    assert minutes > 24 * 60
    assert Notification.objects.get().state == "failed"


def test_a_worker_that_dies_while_sending_only_delays_the_message() -> None:
    _queue()

    class Dies(_Carrier):
        def deliver(self, notification: Notification) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _deliver(Dies())
    carrier = _Carrier()
    assert _deliver(carrier, 1) == 0  # another worker may still be at it
    assert _deliver(carrier, 2) == 1
    assert carrier.delivered == ["one"]


def test_one_failure_does_not_hold_up_the_others() -> None:
    for key in ("one", "two", "three"):
        _queue(key)
    carrier = _Carrier(NotDelivered("busy"))
    assert _deliver(carrier) == 3
    assert carrier.delivered == ["two", "three"]


def test_the_console_is_the_default() -> None:
    stream = io.StringIO()
    ConsoleCarrier(stream).deliver(_queue())
    assert stream.getvalue() == "[notification to Thandi] Credit is low: 4.9 kWh left\n"
    assert isinstance(configured([]), ConsoleCarrier)
    mail = "mailto://u:p@h.example?to={email}"
    assert isinstance(configured(["json://h", mail]), AppriseCarrier)
    with pytest.raises(BadSetting, match="OPENPREPAY_NOTIFICATION_URLS: number 2 of 2") as told:
        configured(["json://h", "nonsense:secret"])
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "phone", "email", "expected"),
    [
        ("json://h/fixed", "", "", "json://h/fixed"),
        ("clickatell://key/{phone}", "+2782", "", "clickatell://key/%2B2782"),
        ("clickatell://key/{phone}", "", "a@b", None),
        ("mailto://u:p@h?to={email}", "", "a@b.org", "mailto://u:p@h?to=a%40b.org"),
    ],
)
def test_addresses_in_urls(url: str, phone: str, email: str, expected: str | None) -> None:
    assert fill(url, phone=phone, email=email) == expected


@pytest.fixture
def apprise_sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Record what apprise would send instead of sending it."""
    sent: list[tuple[Any, ...]] = []

    def notify(self: apprise.Apprise, body: str, title: str) -> bool:
        sent.append(([server.url() for server in self], title, body))
        return "refuse" not in body

    monkeypatch.setattr(apprise.Apprise, "notify", notify)
    return sent


def test_apprise_gets_the_message_by_every_fitting_url(apprise_sent: list[Any]) -> None:
    carrier = AppriseCarrier(["json://h/{phone}", "xml://h/{email}"])
    carrier.deliver(_queue(email=""))
    ((urls, title, body),) = apprise_sent
    assert len(urls) == 1
    assert "json" in urls[0]
    assert (title, body) == ("Credit is low", "4.9 kWh left")


@pytest.mark.usefixtures("apprise_sent")
@pytest.mark.parametrize(
    ("urls", "changes", "why"),
    [
        (["json://h/{phone}"], {"phone": ""}, "no configured carrier reaches Thandi"),
        (["nonsense"], {}, "not understood"),
        (["json://h"], {"body": "refuse"}, "refused"),
    ],
)
def test_what_apprise_cannot_send(urls: list[str], changes: dict[str, str], why: str) -> None:
    with pytest.raises(NotDelivered, match=why):
        carriers.AppriseCarrier(urls).deliver(_queue(**changes))


def test_the_command_delivers_what_is_due(
    capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    from django.core.management import call_command

    settings.NOTIFICATION_URLS = []
    _queue()
    call_command("deliver_notifications")
    assert "4.9 kWh left" in capsys.readouterr().out
