"""The panel's web server: static files, and a socket that carries each meter's face both ways.

Whoever holds the access key may do to the meters what a person beside them may; so the server
answers only on loopback, to its own host name, and to pages it served itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from tools.simulate import SimulatedMeter

STATIC = Path(__file__).parent / "static"
COOKIE = "panel_key"
HOSTS = ["127.0.0.1", "localhost"]
FRAME_S = 0.04  # at most 25 pictures of a meter each second
LOG_LINES = 60
REFUSED = 4403
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Exhibit(NamedTuple):
    """A meter on show: what its label says, and the meter."""

    drn: str
    customer: str
    meter: SimulatedMeter


def face_of(meter: SimulatedMeter) -> dict[str, Any]:
    """Return everything of a meter that its face on the page shows."""
    return {
        "rows": meter.rows,
        "cursor": meter.cursor,
        "lamps": meter.lamps,
        "relay": meter.relay,
        "lit": meter.lit,
        "buzzer_hz": meter.buzzer_hz,
        "pulses": meter.pulse_count,
        "powered": meter.powered,
        "failure": meter.failure,
        "cut_armed": meter.cut_armed,
        "load_watts": meter.load_watts,
        "time_lapse": meter.time_lapse,
        "network": meter.network.plugged if meter.network else False,
        "keypad_cable": meter.keypad_cable.plugged if meter.keypad_cable else True,
        "log": list(meter.log)[-LOG_LINES:],
    }


def act(meter: SimulatedMeter, message: dict[str, Any]) -> None:
    """Do to a meter what a person did on the page.

    Raises:
        ValueError: the message asks for something that is not on the page.
    """
    for name, value in message.items():
        if name not in ACTIONS:
            continue
        if not ACTIONS[name](meter, value, message):
            raise ValueError(f"the panel does not do {name} {value!r}")


def _key(meter: SimulatedMeter, value: Any, message: dict[str, Any]) -> bool:
    meter.key(str(value), bool(message.get("down")))
    return True


def _power(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    if value:
        meter.power_on()
    else:
        meter.power_off()
    return True


def _type(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    keys = str(value)
    if len(keys) > 40 or not set(keys) <= set("0123456789*#"):
        return False
    meter.type(keys)
    return True


def _cut_after(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    meter.cut_power_after(max(0, int(value)))
    return True


def _load(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    meter.set_load(min(int(value), 20_000))
    return True


def _time_lapse(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    meter.time_lapse = int(value)
    return True


def _network(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    meter.plug_network(bool(value))
    return True


def _keypad_cable(meter: SimulatedMeter, value: Any, _: dict[str, Any]) -> bool:
    meter.plug_keypad(bool(value))
    return True


ACTIONS: dict[str, Callable[[SimulatedMeter, Any, dict[str, Any]], bool]] = {
    "key": _key,
    "power": _power,
    "type": _type,
    "cut_after": _cut_after,
    "load": _load,
    "time_lapse": _time_lapse,
    "network": _network,
    "keypad_cable": _keypad_cable,
}


def make_application(
    exhibits: Sequence[Exhibit], access_key: str, *, till: str | None = None
) -> Starlette:
    """Return the panel as an ASGI application.

    Args:
        exhibits: the meters to show.
        access_key: what the first page's address must carry; the browser then keeps it.
        till: address of the head-end's till, to link to.
    """
    panel = _Panel(exhibits, access_key, till)
    return Starlette(
        routes=[
            Route("/", panel.page),
            WebSocketRoute("/socket", panel.socket),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        lifespan=panel.lifespan,
    )


class _Panel:
    def __init__(self, exhibits: Sequence[Exhibit], access_key: str, till: str | None) -> None:
        self._exhibits = {exhibit.drn: exhibit for exhibit in exhibits}
        self._access_key = access_key
        self._till = till
        self._viewers: set[_Viewer] = set()

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        for exhibit in self._exhibits.values():

            def changed(drn: str = exhibit.drn) -> None:
                with contextlib.suppress(RuntimeError):  # the loop is closing
                    loop.call_soon_threadsafe(self._mark, drn)

            exhibit.meter.listeners.append(changed)
        yield

    async def page(self, request: Request) -> Response:
        given = request.query_params.get("key")
        if given is not None and self._is_key(given):
            welcome = RedirectResponse("/", status_code=303, headers=HEADERS)
            welcome.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return welcome
        if not self._is_key(request.cookies.get(COOKIE, "")):
            return PlainTextResponse(
                "This panel opens with the address that was printed when it started; "
                "the address carries an access key.\n",
                status_code=403,
                headers=HEADERS,
            )
        return FileResponse(STATIC / "index.html", headers=HEADERS)

    async def socket(self, socket: WebSocket) -> None:
        own = f"http://{socket.headers.get('host', '')}"
        is_ours = socket.headers.get("origin") == own
        if not is_ours or not self._is_key(socket.cookies.get(COOKIE, "")):
            await socket.close(REFUSED)
            return
        await socket.accept()
        await socket.send_json(
            {
                "till": self._till,
                "meters": [
                    {"id": drn, "drn": drn, "customer": shown.customer, "board": shown.meter.board}
                    for drn, shown in self._exhibits.items()
                ],
            }
        )
        viewer = _Viewer(set(self._exhibits))
        self._viewers.add(viewer)
        showing = asyncio.create_task(self._show(socket, viewer))
        try:
            await self._listen(socket)
        finally:
            self._viewers.discard(viewer)
            showing.cancel()

    def _is_key(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._access_key.encode())

    def _mark(self, drn: str) -> None:
        for viewer in self._viewers:
            viewer.stale.add(drn)
            viewer.wake.set()

    async def _show(self, socket: WebSocket, viewer: _Viewer) -> None:
        sent: dict[str, dict[str, Any]] = {}
        while True:
            await viewer.wake.wait()
            viewer.wake.clear()
            stale, viewer.stale = viewer.stale, set()
            for drn in stale:
                face = face_of(self._exhibits[drn].meter)
                if sent.get(drn) != face:
                    sent[drn] = face
                    await socket.send_json({"id": drn, **face})
            await asyncio.sleep(FRAME_S)

    async def _listen(self, socket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                try:
                    message = json.loads(await socket.receive_text())
                    meter = self._exhibits[message.pop("id")].meter
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue
                if "key" in message:  # keys keep their order, and never block
                    _try_to_act(meter, message)
                else:
                    asyncio.get_running_loop().run_in_executor(None, _try_to_act, meter, message)


def _try_to_act(meter: SimulatedMeter, message: dict[str, Any]) -> None:
    """Act on a message; one that makes no sense, or a meter that fails to start, is only noted."""
    try:
        act(meter, message)
    except (ValueError, TypeError, AssertionError) as error:
        meter.log.append(f"panel: {error}")


class _Viewer:
    """One open page: which meters have news for it."""

    def __init__(self, stale: set[str]) -> None:
        self.stale = stale
        self.wake = asyncio.Event()
        self.wake.set()
