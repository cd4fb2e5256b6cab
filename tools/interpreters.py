"""Finds, and where needed fetches, the MicroPython interpreters that this machine can run.

`micropython` is the default: the unix build that pip installs beside us, else one on the PATH.
`micropython32` is a 32-bit build whose integers and heap behave like those of an ESP32: a newer
Debian suite's i386 package, unpacked privately under build/ without touching the system.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD = REPOSITORY / "build"
OLDEST_VERSION = (1, 25)
SUITE_WITH_MICROPYTHON = "trixie"
PACKAGES_32_BIT = (
    "micropython:i386",
    "libc6:i386",
    "libffi8:i386",
    "libmbedtls21:i386",
    "libmbedcrypto16:i386",
    "libmbedx509-7:i386",
)


class InterpreterMissing(Exception):
    """This machine has no such interpreter; the text says why and what to do."""


def micropython() -> list[str]:
    """Return the command of the default MicroPython (>= 1.25).

    Raises:
        InterpreterMissing: none is installed beside this Python nor on the PATH.
    """
    beside = Path(sys.executable).parent / "micropython"
    if beside.exists():
        return [str(beside)]
    found = shutil.which("micropython")
    if found is None:
        raise InterpreterMissing(
            "no MicroPython here: run 'make install', or put micropython >= 1.25 on the PATH"
        )
    _require_version([found])
    return [found]


def micropython32() -> list[str]:
    """Return the command of the 32-bit MicroPython that `fetch_micropython32` unpacked.

    Raises:
        InterpreterMissing: it has not been fetched, or could not be.
    """
    root = BUILD / "interpreters" / "micropython32"
    loader = root / "lib" / "ld-linux.so.2"
    if not loader.exists():
        loader = root / "usr" / "lib" / "ld-linux.so.2"
    program = root / "usr" / "bin" / "micropython"
    if not loader.exists() or not program.exists():
        raise InterpreterMissing("no 32-bit MicroPython here: run 'make install-tests'")
    libraries = f"{root}/usr/lib/i386-linux-gnu:{root}/lib/i386-linux-gnu"
    return [str(loader), "--library-path", libraries, str(program)]


INTERPRETERS = {"micropython": micropython, "micropython32": micropython32}


def command(name: str) -> list[str]:
    """Return the command line of the interpreter called `name`.

    Raises:
        InterpreterMissing: the name is unknown or the interpreter is not here.
    """
    try:
        find = INTERPRETERS[name]
    except KeyError:
        known = ", ".join(INTERPRETERS)
        raise InterpreterMissing(f"no interpreter called {name}; there are {known}") from None
    return find()


def run(
    name: str,
    arguments: Sequence[str],
    *,
    paths: Sequence[Path] = (REPOSITORY,),
    heap: str | None = None,
    stdin: str | None = None,
    timeout: float = 120,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a MicroPython to its end and return what it printed.

    Args:
        name: a key of INTERPRETERS.
        arguments: what follows the interpreter on the command line.
        paths: where imports are looked for, first one first.
        heap: size of its heap, for example "110K"; None leaves the default.
        stdin: text for its standard input.
        timeout: seconds.
        folder: working directory; None keeps the caller's.
        environment: variables besides those of this process.
    """
    options = ["-X", f"heapsize={heap}"] if heap else []
    search_path = ":".join([*map(str, paths), ".frozen"])
    return subprocess.run(
        [*command(name), *options, *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {}), "MICROPYPATH": search_path},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def _require_version(program: list[str]) -> None:
    answer = subprocess.run(
        [*program, "-c", "import sys; print(sys.implementation.version[:2])"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    numbers = tuple(int(part) for part in re.findall(r"\d+", answer.stdout))
    if numbers < OLDEST_VERSION:
        wanted = ".".join(map(str, OLDEST_VERSION))
        raise InterpreterMissing(
            f"{program[0]} is too old ({answer.stdout.strip()}); OpenPrepay needs {wanted}"
        )


def fetch_micropython32() -> None:
    """Unpack the 32-bit MicroPython under build/, with apt's own mirror and keys.

    Uses a private apt folder, so neither the system's sources nor its packages change.

    Raises:
        InterpreterMissing: this is no x86 machine with apt, or its mirror lacks the packages.
    """
    try:
        micropython32()
        return
    except InterpreterMissing:
        pass
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise InterpreterMissing("the 32-bit MicroPython is unpacked by apt, which is not here")
    root = BUILD / "interpreters" / "micropython32"
    private = BUILD / "interpreters" / "apt"
    for folder in ("state/lists/partial", "cache/archives/partial", "downloads"):
        (private / folder).mkdir(parents=True, exist_ok=True)
    uri, signed_by = _debian_mirror()
    sources = private / "sources.list"
    sources.write_text(f"deb [signed-by={signed_by}] {uri} {SUITE_WITH_MICROPYTHON} main\n")
    (private / "status").write_text("")
    options = [
        f"Dir::Etc::sourcelist={sources}",
        "Dir::Etc::sourceparts=/dev/null",
        f"Dir::State={private / 'state'}",
        f"Dir::State::status={private / 'status'}",
        f"Dir::Cache={private / 'cache'}",
        "APT::Architecture=i386",
        "APT::Architectures::=i386",
        "APT::Sandbox::User=root",
    ]
    apt = ["apt-get", "-q", *[word for option in options for word in ("-o", option)]]
    _apt([*apt, "update"], private)
    _apt([*apt, "download", *PACKAGES_32_BIT], private / "downloads")
    for package in sorted((private / "downloads").glob("*.deb")):
        _apt(["dpkg", "-x", str(package), str(root)], private)
    _require_version(micropython32())


def _apt(arguments: list[str], folder: Path) -> None:
    done = subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise InterpreterMissing(f"{arguments[0]} failed: {done.stderr.strip()[-400:]}")


def _debian_mirror() -> tuple[str, str]:
    """Return the mirror that this machine's own Debian sources name, and the keyring for it."""
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]
    for file in files:
        text = file.read_text() if file.is_file() else ""
        for line in text.splitlines():
            match = re.match(r"(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+/debian/?)(?:\s|$)", line)
            if match and Path(keyring).exists():
                return match.group(1), keyring
    raise InterpreterMissing(
        "the 32-bit MicroPython is a Debian package, and this machine's apt names no Debian mirror"
    )


def main() -> int:
    """Fetch the 32-bit interpreter; print what there is now."""
    try:
        fetch_micropython32()
    except InterpreterMissing as error:
        print(f"32-bit MicroPython: {error}", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 0
    print("32-bit MicroPython:", " ".join(micropython32()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
