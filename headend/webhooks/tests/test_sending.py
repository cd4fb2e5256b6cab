"""Where events may go, how they are signed and sent, and when they are sent again."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headend.webhooks import guard, retries, signing
from headend.webhooks.errors import InvalidWebhook
from headend.webhooks.sending import Sender

HERE = guard.networks(["127.0.0.0/8", "::1"])


class Receiver:
    """An HTTP server that answers as told and keeps what it was sent."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.taken.append((self.path, dict(self.headers), body))
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def answering(status: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return answer


# --- signatures ----------------------------------------------------------------------------------


def test_a_signature_is_that_of_the_published_example():
    headers = signing.headers(
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        body=b'{"test": 2432232314}',
        at=datetime.fromtimestamp(1614265330, UTC),
        secrets_valid=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_exchanged_both_sign():
    old, new = signing.new_secret(), signing.new_secret()
    at = datetime(2026, 11, 22, tzinfo=UTC)
    both = signing.headers(event_id="evt_1", body=b"{}", at=at, secrets_valid=[new, old])
    alone = signing.headers(event_id="evt_1", body=b"{}", at=at, secrets_valid=[old])
    assert alone["webhook-signature"] == both["webhook-signature"].split(" ")[1]


def test_a_sealed_secret_opens_for_its_own_webhook_only():
    secret = signing.new_secret()
    sealed = signing.seal(secret, webhook_id=1)
    assert secret.encode() not in sealed
    assert signing.unseal(sealed, webhook_id=1) == secret
    with pytest.raises(ValueError, match="does not open"):
        signing.unseal(sealed, webhook_id=2)


# --- retries -------------------------------------------------------------------------------------


def test_waiting_grows_and_is_spread_by_a_quarter():
    assert retries.delay(1, chance=0.5) == timedelta(seconds=10)
    assert retries.delay(1, chance=0) == timedelta(seconds=7.5)
    assert retries.delay(1, chance=1) == timedelta(seconds=12.5)
    waits = [retries.delay(attempts, chance=0.5) for attempts in range(1, 11)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=12)


def test_a_receiver_may_ask_for_up_to_an_hour():
    assert retries.delay(1, chance=0.5, wished_s=120) == timedelta(minutes=2)
    assert retries.delay(1, chance=0.5, wished_s=10**8) == timedelta(hours=1)


def test_who_fails_again_and_again_is_left_alone():
    assert retries.rest(4) is None
    assert retries.rest(5) == timedelta(seconds=5)
    assert retries.rest(10_000) == timedelta(minutes=5)


# --- where events may go -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    ],
)
def test_no_address_inside_is_connected_to(address):
    assert not guard.is_allowed(ipaddress.ip_address(address), allowed=[], is_tls=True)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_the_internet_is_connected_to_by_tls_only(address):
    meant = ipaddress.ip_address(address)
    assert guard.is_allowed(meant, allowed=[], is_tls=True)
    assert not guard.is_allowed(meant, allowed=HERE, is_tls=False)


def test_a_network_of_the_settings_is_connected_to_also_without_tls():
    meant = ipaddress.ip_address("10.1.2.3")
    assert guard.is_allowed(meant, allowed=guard.networks(["10.1.0.0/16"]), is_tls=False)
    assert not guard.is_allowed(meant, allowed=guard.networks(["10.2.0.0/16"]), is_tls=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https:///path",
        "https://user:password@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://example.org:0/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: x",
        "https://ex\u00e4mple.org/",
        "https://example.org/" + "a" * 500,
        "",
    ],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(InvalidWebhook):
        guard.target(url, allowed=[])


def test_a_name_that_leads_inside_is_not_connected_to(monkeypatch):
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    outcome = Sender([]).send("https://harmless.example/hook", b"{}", {})
    assert outcome.status is None
    assert "not sent" in outcome.error


def test_the_checked_address_is_the_one_connected_to(monkeypatch):
    """A name that is asked again might lead elsewhere; it is asked once."""
    with Receiver(answering(204)) as receiver:
        asked = []

        def resolve(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr("headend.webhooks.guard.socket.getaddrinfo", resolve)
        url = f"http://rebinding.example:{receiver.port}/"
        connect = socket.create_connection
        connected = []

        def watched(address: tuple[str, int], *arguments: Any) -> socket.socket:
            connected.append(address[0])
            monkeypatch.undo()
            return connect(address, *arguments)

        monkeypatch.setattr("headend.webhooks.sending.socket.create_connection", watched)
        assert Sender(HERE).send(url, b"{}", {}).status == 204
    assert asked == ["rebinding.example"]
    assert connected == ["127.0.0.1"]
    assert receiver.taken[0][1]["Host"] == f"rebinding.example:{receiver.port}"


# --- sending -------------------------------------------------------------------------------------


def test_the_body_and_headers_arrive_as_they_are():
    with Receiver(answering(200)) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook?a=b"
        outcome = Sender(HERE).send(url, b'{"x": 1}', {"webhook-id": "evt_1"})
    assert outcome == (200, "", 0)
    path, headers, body = receiver.taken[0]
    assert (path, body, headers["webhook-id"]) == ("/hook?a=b", b'{"x": 1}', "evt_1")


def test_a_redirect_is_not_followed():
    with Receiver(answering(302, Location="http://127.0.0.1:9/")) as receiver:
        outcome = Sender(HERE).send(f"http://127.0.0.1:{receiver.port}/", b"{}", {})
    assert outcome.status == 302
    assert "redirect" in outcome.error
    assert len(receiver.taken) == 1


def test_a_refusal_says_how_long_to_wait():
    with Receiver(answering(503, Retry_After="30")) as receiver:
        outcome = Sender(HERE).send(f"http://127.0.0.1:{receiver.port}/", b"{}", {})
    assert outcome == (503, "it answered 503", 30)


def test_nobody_there_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    outcome = Sender(HERE).send(f"http://127.0.0.1:{port}/", b"{}", {})
    assert outcome.status is None
    assert "refused" in outcome.error.lower()


def test_a_receiver_that_drips_is_cut_off():
    def drip(handler: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            while True:
                handler.wfile.write(b"H")
                handler.wfile.flush()
                threading.Event().wait(0.02)

    with Receiver(drip) as receiver:
        began = time.monotonic()
        sender = Sender(HERE, answer_s=0.2)
        outcome = sender.send(f"http://127.0.0.1:{receiver.port}/", b"{}", {})
        assert time.monotonic() - began < 5
    assert outcome == (None, "it did not answer in time", 0)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def test_a_certificate_is_verified(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Receiver(answering(200)) as receiver:
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        url = f"https://127.0.0.1:{receiver.port}/"
        refused = Sender(HERE).send(url, b"{}", {})
        trusted = Sender(HERE, authorities=str(certificate)).send(url, b"{}", {})
    assert refused.status is None
    assert "not trusted" in refused.error
    assert trusted.status == 200
    assert len(receiver.taken) == 1
