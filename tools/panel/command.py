"""`prepay panel`: runs the simulated meters of a folder and serves the page that shows them."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import sys
import time
from pathlib import Path

import click
import uvicorn

from tools import interpreters
from tools.panel.server import Exhibit, make_application
from tools.provision.label import Label, labels_in
from tools.simulate import SimulatedMeter

USUAL_PORT = 8401
HABITS = "habits.json"  # how people left a meter's surroundings


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=interpreters.REPOSITORY / "var",
    show_default="var/",
    help="The installation whose meters (in its folder meters/) are run.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=USUAL_PORT, show_default=True)
@click.option("--till", help="Address of the head-end's pages, to link to.")
@click.option("--key", help="Access key that the page's address must carry; made up if not given.")
@click.option(
    "--interpreter",
    type=click.Choice(list(interpreters.INTERPRETERS)),
    default="micropython",
    show_default=True,
)
def panel(data: Path, port: int, till: str | None, key: str | None, interpreter: str) -> None:
    """Run simulated meters and show them on a page, on this machine only."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        raise click.ClickException(
            f"port {port} is taken by another program; choose another one with --port"
        ) from None
    access_key = key or secrets.token_urlsafe(16)
    # Uvicorn ends gracefully and then raises the signal again: that must not skip the meters.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as meters:
        exhibits = [_plug_in(label, interpreter, meters) for label in labels_in(data / "meters")]
        if key is None:
            port = listener.getsockname()[1]
            click.echo(f"Panel: http://127.0.0.1:{port}/?key={access_key}")
        application = make_application(exhibits, access_key, till=till)
        config = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])


def _plug_in(label: Label, interpreter: str, meters: contextlib.ExitStack) -> Exhibit:
    meter = SimulatedMeter(label.folder, label.board, interpreter)
    meters.callback(meter.close)
    _resume(meter)
    meters.callback(_remember, meter)
    meter.power_on()
    return Exhibit(label.drn, label.customer, meter)


def _resume(meter: SimulatedMeter) -> None:
    """Set load and calendar as they were left."""
    path = meter.folder / HABITS
    if path.exists():
        habits = json.loads(path.read_text())
        meter.set_load(habits["load_watts"])
        meter.calendar = max(habits["calendar"], time.time())


def _remember(meter: SimulatedMeter) -> None:
    habits = {"load_watts": meter.load_watts, "calendar": int(meter.calendar)}
    (meter.folder / HABITS).write_text(json.dumps(habits))
