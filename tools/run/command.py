"""`prepay run`: starts head-end, broker, gateway, simulated meters and panel, and stops them."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.markup import escape

from tools import children, firmware_build, interpreters
from tools.run import ports, privileges
from tools.run.installation import Installation
from tools.run.news import News
from tools.run.preparation import Prepared, prepare
from tools.run.supervisor import StartFailed, Supervisor

USUAL_DATA = interpreters.REPOSITORY / "var"
USUAL_WEB_PORT = 8400
USUAL_PANEL_PORT = 8401
USUAL_BROKER_PORT = 8402


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=USUAL_DATA,
    show_default="var/",
    help="Folder that keeps everything; give an empty one to start afresh.",
)
@click.option("--web-port", type=click.IntRange(1, 65535), help="Port of the head-end's pages.")
@click.option("--panel-port", type=click.IntRange(1, 65535), help="Port of the meters' panel.")
@click.option("--broker-port", type=click.IntRange(1, 65535), help="Port of the embedded broker.")
def run(data: Path, web_port: int | None, panel_port: int | None, broker_port: int | None) -> None:
    """Run the whole system on this machine until Ctrl-C.

    Starts the head-end's pages, an embedded MQTT broker (unless MQTT_URL names one), the gateway,
    two simulated meters with the real firmware, and the panel that shows them. All of it listens
    on this machine only.
    """
    console = Console(highlight=False, soft_wrap=True)
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(data) as _:
        supervisor = Supervisor(console)
        try:
            with supervisor.stopping_on_signals():
                news = _start(supervisor, data, web_port, panel_port, broker_port)
                supervisor.watch(news.look)
        except (ports.PortBusy, StartFailed) as error:
            raise click.ClickException(str(error)) from None
        finally:
            supervisor.stop()


def _start(
    supervisor: Supervisor,
    data: Path,
    web_port: int | None,
    panel_port: int | None,
    broker_port: int | None,
) -> News:
    """Start everything and tell where it is; return what consumers will be told."""
    began = time.monotonic()
    at = _choose_ports(web_port, panel_port, broker_port)
    mqtt_url = os.environ.get("MQTT_URL") or f"mqtt://127.0.0.1:{at.broker}"
    installation = Installation(data, mqtt_url=mqtt_url)
    with supervisor.step("Firmware, database, keys, customers and meters") as tell:
        prepared = prepare(installation, tell=tell)
    user = _server_user(installation.folder, supervisor.console)
    if user is not None:
        privileges.give(installation.folder, user)
        privileges.give(firmware_build.BUILD, user)
    access_key = secrets.token_urlsafe(16)
    news = News(
        installation.logs / "gateway.log",
        lambda line: supervisor.console.print(f"[cyan]{escape(line)}[/cyan]"),
    )
    _start_programs(supervisor, installation, at, user=user, access_key=access_key)
    panel = f"http://127.0.0.1:{at.panel}/?key={access_key}"
    _tell(supervisor.console, at.till, panel, prepared, data)
    took = time.monotonic() - began
    broker = urlsplit(mqtt_url)
    supervisor.console.print(
        f"[dim]Ready in {took:.1f} s. MQTT broker {broker.hostname}:{broker.port}. "
        f"Everything is kept in {data}; logs are in {installation.logs}. Ctrl-C stops it.[/dim]"
    )
    return news


@dataclass(frozen=True)
class _Ports:
    """Where the programs listen on this machine."""

    web: int
    panel: int
    broker: int | None  # None: MQTT_URL names a broker that runs already

    @property
    def till(self) -> str:
        return f"http://127.0.0.1:{self.web}/"


def _choose_ports(web: int | None, panel: int | None, broker: int | None) -> _Ports:
    """Return the ports that were asked for; where none was, the usual one or the next free.

    Raises:
        PortBusy: something listens on a port that was asked for.
    """
    taken: set[int] = set()
    web = ports.choose(web, usual=USUAL_WEB_PORT, purpose="web", taken=taken)
    panel = ports.choose(panel, usual=USUAL_PANEL_PORT, purpose="panel", taken=taken)
    if os.environ.get("MQTT_URL"):
        return _Ports(web, panel, None)
    broker = ports.choose(broker, usual=USUAL_BROKER_PORT, purpose="broker", taken=taken)
    return _Ports(web, panel, broker)


def _start_programs(
    supervisor: Supervisor,
    installation: Installation,
    at: _Ports,
    *,
    user: str | None,
    access_key: str,
) -> None:
    """Start the broker, the gateway, the workers, the panel with its meters, and the pages."""

    def program(name: str, *arguments: str) -> children.Child:
        return installation.start(name, list(arguments), user=user)

    if at.broker is not None:
        port = at.broker
        with supervisor.step(f"MQTT broker on 127.0.0.1:{port}"):
            supervisor.add(
                lambda: program("broker", "-m", "tools.run.broker_process", str(port)),
                port=port,
            )
    with supervisor.step("Gateway to the meters, background workers"):
        supervisor.add(lambda: program("gateway", "-m", "headend.manage", "gateway"))
        supervisor.add(lambda: program("workers", "-m", "headend.manage", "work"))
    with supervisor.step("Meters, panel and pages"):
        supervisor.add(
            lambda: program(
                *("panel", "-m", "tools.panel", "--data", str(installation.folder)),
                *("--port", str(at.panel), "--till", at.till, "--key", access_key),
            )
        )
        supervisor.add(
            lambda: program(
                *("web", "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
                *("--port", str(at.web), "--workers", "1", "--blocking-threads", "4"),
                *("--workers-kill-timeout", "10", "--no-ws", "--log-level", "warning"),
                "tools.run.wsgi:application",
            ),
            port=at.web,
        )
        supervisor.wait_for_port("panel", at.panel)


def _server_user(data: Path, console: Console) -> str | None:
    try:
        return privileges.server_user(data)
    except privileges.NoServerUser as error:
        console.print(f"[yellow]The servers run as root: {error}.[/yellow]")
        return None


def _tell(console: Console, till: str, panel: str, prepared: Prepared, data: Path) -> None:
    """Print where things are and what to try."""
    console.print()
    console.print(f"  [bold]Till and meters[/bold]   {till}")
    console.print(f"  [bold]Panel[/bold]             {panel}")
    console.print()
    for login in prepared.logins:
        console.print(
            f"  Log in as [bold]{login.username}[/bold]  password [bold]{login.password}[/bold]"
            f"   [dim]{login.role}[/dim]"
        )
    console.print()
    for meter in prepared.meters:
        kind = "meter and separate keypad" if meter.board == "split" else "combined meter"
        console.print(f"  Meter [bold]{meter.drn}[/bold]  {meter.customer}  [dim]{kind}[/dim]")
    first = prepared.meters[0].drn
    elsewhere = data.resolve() != USUAL_DATA
    environment = f"OPENPREPAY_DATA={data.resolve()} " if elsewhere else ""
    console.print(
        f"""
  [bold]Try this[/bold]
  1. At the till, find meter {first} and vend 50.00; type the token on the panel's keys, then #.
  2. Switch the kettle on and the time-lapse to ×600; watch the credit fall, warn, and go out.
  3. Vend again and press "Send to meter": the light comes back by itself.
  4. Press "Cut in mid-write" and type a token: nothing is lost, nothing counts twice.
  5. In another terminal: {environment}.venv/bin/prepay meter mode {first} postpayment
"""
    )


class _only_one:  # noqa: N801 - reads as a function in a with statement
    """Holds a data folder for one running system."""

    def __init__(self, data: Path) -> None:
        self._path = data / "run.lock"

    def __enter__(self) -> None:
        self._file: IO[str] = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise click.ClickException(
                f"OpenPrepay is running already with {self._path.parent} (process {holder}); "
                "stop it with Ctrl-C there, or start another one with --data FOLDER"
            ) from None
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def __exit__(self, *exception: object) -> None:
        self._file.close()
