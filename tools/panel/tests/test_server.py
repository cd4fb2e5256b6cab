"""Only who holds the access key, from the panel's own page, gets at the meters."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tools.panel.tests.conftest import DRN, KEY
from tools.simulate import SimulatedMeter


def _get(address: str, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def _open(address: str, *, origin: str | None = None, key: str = KEY) -> ClientConnection:
    return connect(
        f"ws://{address}/socket",
        origin=Origin(origin or f"http://{address}"),
        additional_headers={"Cookie": f"panel_key={key}"},
        open_timeout=10,
    )


def _next(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return message


def test_the_printed_address_lets_in_and_hides_the_key(address: str) -> None:
    answer = _get(address, f"/?key={KEY}")
    assert answer.status == 303
    assert answer.getheader("Location") == "/"
    cookie = answer.getheader("Set-Cookie") or ""
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    page = _get(address, "/", Cookie=cookie.split(";")[0])
    assert page.status == 200
    assert b"Meter panel" in page.read()


@pytest.mark.parametrize("path", ["/", "/?key=", "/?key=wrong"])
def test_without_the_key_there_is_no_page(address: str, path: str) -> None:
    answer = _get(address, path)
    assert answer.status == 403
    assert b"access key" in answer.read()


def test_another_host_name_is_refused(address: str) -> None:
    assert _get(address, f"/?key={KEY}", Host="attacker.example").status == 400


@pytest.mark.parametrize(
    "wrong", [{"origin": "http://attacker.example"}, {"key": "wrong"}, {"key": ""}]
)
def test_a_foreign_page_or_a_wrong_key_gets_no_socket(address: str, wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        _open(address, **wrong)
    assert refused.value.response.status_code == 403


def test_the_socket_tells_of_the_meters_and_acts_on_them(
    address: str, meter: SimulatedMeter
) -> None:
    with _open(address) as socket:
        assert _next(socket)["meters"][0]["drn"] == DRN
        face = _next(socket)
        assert face["powered"] is False
        assert face["keypad_cable"] is True
        for order, shown in (
            ({"load": 2000}, ("load_watts", 2000)),
            ({"time_lapse": 9999}, ("time_lapse", 3600)),
            ({"keypad_cable": False}, ("keypad_cable", False)),
        ):
            socket.send(json.dumps({"id": DRN, **order}))
            assert _next(socket)[shown[0]] == shown[1]
    assert meter.load_watts == 2000


@pytest.mark.parametrize(
    "nonsense",
    ["", "[]", "1", "{}", '{"id": "nobody", "load": 5}', f'{{"id": "{DRN}", "key": "x"}}'],
)
def test_nonsense_neither_acts_nor_breaks_the_socket(address: str, nonsense: str) -> None:
    with _open(address) as socket:
        _next(socket), _next(socket)
        socket.send(nonsense)
        socket.send(json.dumps({"id": DRN, "load": 10}))
        assert _next(socket)["load_watts"] == 10
