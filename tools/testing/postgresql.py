"""A private PostgreSQL cluster for a test run, gone when it ends. Needs no root and no port.

`python -m tools.testing.postgresql COMMAND...` runs a command with DATABASE_URL naming a fresh
cluster, so that the head-end's suite runs on PostgreSQL unchanged.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from psycopg import sql

from tools.interpreters import BUILD

_SUPERUSER = "openprepay"
_START_SECONDS = 60
_STOP_SECONDS = 20
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_DURABLE = ("fsync=on", "synchronous_commit=on")


class PostgresqlMissing(Exception):
    """This machine has no PostgreSQL server programs."""


def programs() -> Path:
    """Return the folder that holds initdb and postgres, the newest version's.

    Raises:
        PostgresqlMissing: there is none.
    """
    candidates = Path("/usr/lib/postgresql").glob("*/bin/initdb")  # as Debian installs it
    newest = max(candidates, key=lambda path: float(path.parts[-3]), default=None)
    found = newest or shutil.which("initdb")
    if found is None:
        raise PostgresqlMissing("PostgreSQL is not installed: apt-get install postgresql")
    return Path(found).resolve().parent


class Cluster:
    """A PostgreSQL server of its own, reached through a Unix socket; a context manager.

    Args:
        durable: as a production server writes; otherwise as quick as tests like it.
        settings: more settings, each as "name=value".
    """

    def __init__(self, *, durable: bool = False, settings: tuple[str, ...] = ()) -> None:
        self._settings = (*(_DURABLE if durable else _QUICK), *settings)
        self._user = _unprivileged_user()
        self._folder = self._make_folder()
        self._sockets = Path(tempfile.mkdtemp(prefix="openprepay-pg-"))  # a path short enough
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The DATABASE_URL of its first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the DATABASE_URL of a database in the cluster."""
        return f"postgres://{_SUPERUSER}@/{database}?host={self._sockets}"

    def new_database(self, name: str) -> str:
        """Create another database; return its DATABASE_URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def __enter__(self) -> Cluster:
        for folder in (self._folder, self._sockets):
            if self._user is not None:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
            folder.chmod(0o700)
        try:
            self._run(
                "initdb",
                *("-D", str(self._data), "-U", _SUPERUSER, "-A", "trust", "--no-sync"),
                *("-E", "UTF8", "--locale=C"),
            )
            self.start()
        except BaseException:
            self.stop()
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        self._remove()

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: it ended or did not answer in time; the text is its log.
        """
        options = ["listen_addresses=", f"unix_socket_directories={self._sockets}"]
        options += ["unix_socket_permissions=0700", "max_connections=100", *self._settings]
        arguments = [word for option in options for word in ("-c", option)]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [str(programs() / "postgres"), "-D", str(self._data), *arguments],
                stdout=log,
                stderr=log,
                **self._as_user(),
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {self._log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server at once, in an orderly way."""
        if self._server is None or self._server.poll() is not None:
            return
        self._server.send_signal(signal.SIGINT)  # drops connections, writes data
        self._server.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End the server the hard way, as a power cut would its processes; `start` recovers."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(_STOP_SECONDS)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._sockets / "log"

    def _make_folder(self) -> Path:
        """Return a new folder: under build/ if the server's user may go there, else in /tmp."""
        parent = BUILD / "postgresql"
        parent.mkdir(parents=True, exist_ok=True)
        if self._user is not None and not _others_may_enter(parent):
            return Path(tempfile.mkdtemp(prefix="openprepay-pg-data-"))
        folder = parent / secrets.token_hex(6)
        folder.mkdir()
        return folder

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs() / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

    def _as_user(self) -> dict[str, Any]:
        """Return what makes a process run in the cluster's folder, not as root."""
        where: dict[str, Any] = {"cwd": self._folder}
        if self._user is not None:
            where |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return where

    def _remove(self) -> None:
        for folder in (self._folder, self._sockets):
            shutil.rmtree(folder, ignore_errors=True)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Return the user a server started by root runs under; None if we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresqlMissing("root needs a user 'postgres' or 'nobody' to run PostgreSQL under")


def _others_may_enter(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def main(command: list[str]) -> int:
    """Run a command against a fresh cluster; return its exit status."""
    try:
        programs()
        cluster = Cluster()
    except PostgresqlMissing as error:
        print(f"PostgreSQL tests are left out: {error}", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server ends with us
    with cluster:
        return subprocess.run(
            command, env=dict(os.environ, DATABASE_URL=cluster.url), check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
