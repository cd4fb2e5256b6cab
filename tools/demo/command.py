"""`prepay demo`: plays the story and says of each step what was observed."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import click
from rich.console import Console

from tools import interpreters
from tools.demo.stage import NotObserved, Stage
from tools.demo.story import STORY
from tools.simulate import WaitTimeout

KEPT = 5  # folders of earlier runs


@click.command()
@click.option(
    "--board",
    type=click.Choice(["combined", "split"]),
    default="combined",
    show_default=True,
    help="One box, or a meter with a separate keypad unit.",
)
@click.option(
    "--interpreter",
    type=click.Choice(list(interpreters.INTERPRETERS)),
    default="micropython",
    show_default=True,
)
@click.option(
    "--firmware-kib",
    type=click.IntRange(32, 65536),
    help="Memory the firmware may use, for example 110 as on a device; what the simulated "
    "hardware takes is measured and added.",
)
def demo(board: str, interpreter: str, firmware_kib: int | None) -> None:
    """Play the whole story by itself; exit status 0 if every step went as expected.

    A head-end, broker, gateway and a simulated meter with the real firmware are started in a fresh
    folder under build/, and stopped afterwards.
    """
    console = Console(highlight=False, soft_wrap=True)
    folder = _fresh_folder()
    began = time.monotonic()
    console.print(f"Everything of this run is in {folder}")
    try:
        with Stage(folder, board, interpreter, firmware_kib, console) as stage:
            _tell(console, began, "Head-end, broker, gateway and meter", stage.meter.describe())
            held = _play(stage, began)
    except (NotObserved, WaitTimeout) as error:
        console.print(f"[red]✗[/red] Starting\n    {error}", markup=True)
        held = False
    took = time.monotonic() - began
    verdict = "[green]Every observation held[/green]" if held else "[red]Not as promised[/red]"
    console.print(f"\n{verdict} ({took:.1f} s)")
    sys.exit(0 if held else 1)


def _play(stage: Stage, began: float) -> bool:
    for step in STORY:
        try:
            seen = step.play(stage)
        except (NotObserved, WaitTimeout) as error:
            stage.console.print(f"[red]✗ {step.title}[/red]")
            stage.console.print(f"    {error}", markup=False)
            stage.console.print("    the meter said: " + " | ".join(stage.meter.log), markup=False)
            stage.console.print(f"    the gateway's log: {stage.gateway_log}", markup=False)
            return False
        _tell(stage.console, began, step.title, seen)
    heap = stage.meter.peak_heap()
    short = sum("MemoryError" in line for line in stage.meter.log)
    _tell(
        stage.console,
        began,
        "Memory",
        f"peak {heap['peak']} of {heap['total']} bytes of heap, simulated hardware included; "
        f"it ran short {short} times",
    )
    return True


def _tell(console: Console, began: float, title: str, seen: str) -> None:
    console.print(
        f"[green]✓[/green] [bold]{title}[/bold] [dim]{time.monotonic() - began:.1f} s[/dim]"
    )
    console.print(f"    {seen}", markup=False)


def _fresh_folder() -> Path:
    """Return a new folder under build/; only the latest few are kept."""
    home = interpreters.BUILD / "demo"
    home.mkdir(parents=True, exist_ok=True)
    earlier = sorted(home.iterdir())
    for old in earlier[: max(0, len(earlier) - KEPT + 1)]:
        shutil.rmtree(old, ignore_errors=True)
    folder = home / time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while folder.exists():
        number += 1
        folder = home / f"{time.strftime('%Y%m%d-%H%M%S')}-{number}"
    folder.mkdir()
    return folder
