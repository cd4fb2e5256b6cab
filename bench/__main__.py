"""`make bench`: runs the benchmarks, prints a table and writes build/bench.json.

A benchmark is a module of this package with a function `run()` that returns Result rows. Each row
stands beside a peer or a limit taken in the same run, so that its ratio means something on any
machine.
"""

from __future__ import annotations

import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

import bench
from bench.result import Result

OUTPUT = Path(__file__).resolve().parent.parent / "build" / "bench.json"
WIDEST = 500  # characters


def benchmark_names() -> list[str]:
    """Return the names of the modules that hold a benchmark."""
    return sorted(
        name
        for _, name, is_package in pkgutil.iter_modules(bench.__path__)
        if name not in ("__main__", "result") and not is_package
    )


def table(results: list[Result]) -> Table:
    """Lay the results out for a terminal."""
    layout = Table("name", "value", "unit", "against", "its value", "ratio", "rounds")
    layout.columns[0].no_wrap = True
    for column in layout.columns[1:2] + layout.columns[4:]:
        column.justify = "right"
    for row in results:
        reference = "" if row.reference is None else f"{row.reference:,.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        layout.add_row(
            row.name, f"{row.value:,.4g}", row.unit, row.against, reference, ratio, str(row.rounds)
        )
    return layout


def print_table(results: list[Result], console: Console) -> None:
    """Print the results at full width: a figure cut short, in a pipe or on CI, says nothing."""
    layout = table(results)
    unlimited = console.options.update(width=WIDEST)
    console.width = max(console.width, console.measure(layout, options=unlimited).maximum)
    console.print(layout)


def main(only: list[str]) -> int:
    """Run all benchmarks, or those named; return the exit status."""
    names = benchmark_names()
    unknown = sorted(set(only) - set(names))
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(names)}")
        return 2
    results: list[Result] = []
    console = Console()
    for name in only or names:
        console.print(f"[bold]{name}[/] ...")
        results += import_module(f"bench.{name}").run()
    print_table(results, console)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps({row.name: row.as_json() for row in results}, indent=1) + "\n")
    console.print(f"Written to {OUTPUT.relative_to(OUTPUT.parent.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
