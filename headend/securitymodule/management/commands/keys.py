"""`manage keys`: make a key-load file or a message root, or seal the master key."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from headend.accounts.services import console_user
from headend.config.errors import Refusal
from headend.securitymodule import load_file, roots, vault


class Command(BaseCommand):
    """Prompts for every secret, so that none is in a command line or its history."""

    help = (
        "Make a key-load file of clear keys or a supply group's message root, or seal the master "
        "key with a passphrase."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the two sub-commands."""
        kinds = parser.add_subparsers(dest="what", required=True)
        make = kinds.add_parser(
            "make", help="write a key-load file of the clear keys on standard input (JSON)"
        )
        make.add_argument("file", type=Path)
        root = kinds.add_parser(
            "make-root", help="make a supply group's next message root, at random"
        )
        root.add_argument("sgc", help="supply group code, 6 digits")
        kinds.add_parser("seal-master", help="seal the master key's file with a passphrase")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for."""
        try:
            if options["what"] == "make":
                self._make(options["file"])
            elif options["what"] == "make-root":
                self._make_root(options["sgc"])
            else:
                self._seal_master()
        except Refusal as error:
            raise CommandError(str(error)) from None

    @sensitive_variables()
    def _make(self, file: Path) -> None:
        _require_new(file)  # before anybody types four times for nothing
        keys = load_file.read_keys(sys.stdin.read())
        halves = (_typed_twice("First half"), _typed_twice("Second half"))
        text = load_file.write(keys, halves=halves)
        try:
            with file.open("x", encoding="ascii") as opened:
                opened.write(text + "\n")
        except OSError as error:
            raise CommandError(f"{file} can't be written: {error.strerror}") from None
        number = "1 key" if len(keys) == 1 else f"{len(keys)} keys"
        self.stdout.write(f"{file}: {number}; both halves together open it")

    def _make_root(self, sgc: str) -> None:
        root = roots.create_link_root(
            sgc=sgc,
            generation=roots.next_generation(sgc),
            by=console_user(),
            at=timezone.now(),
        )
        self.stdout.write(f"Made: {root}")

    @sensitive_variables()
    def _seal_master(self) -> None:
        file = Path(settings.MASTER_KEY_FILE)
        vault.seal_master(file, _typed_twice("Passphrase"))
        self.stdout.write(
            f"{file} is sealed; name a file with the passphrase as "
            "OPENPREPAY_MASTER_PASSPHRASE_FILE before the next start"
        )


def _require_new(file: Path) -> None:
    if file.exists():
        raise CommandError(f"{file} is there already; name a new file")
    if not os.access(file.parent, os.W_OK):
        raise CommandError(f"nothing can be written into the folder {file.parent}")


@sensitive_variables()
def _typed_twice(what: str) -> str:
    first, second = getpass(f"{what}: "), getpass(f"{what} again: ")
    if first != second:
        raise CommandError("typed differently; nothing was written")
    return first
