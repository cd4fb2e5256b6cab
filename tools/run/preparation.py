"""Makes an installation ready: compiled firmware, database, demonstration data, meters' flash."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from tools import firmware_build
from tools.provision import label
from tools.provision.label import Label
from tools.run.installation import Installation, private_files

BOARDS = ("combined", "split")  # of the first and the second demonstration meter
_NAMES = {"combined": "combined meter", "meter": "separate meter", "keypad": "keypad"}


class Login(NamedTuple):
    """A person of the demonstration; the password is empty if it was changed."""

    username: str
    password: str
    role: str


class Prepared(NamedTuple):
    """What there is to try."""

    logins: list[Login]
    meters: list[Label]


def prepare(
    installation: Installation, *, tell: Callable[[str], None] = lambda part: None
) -> Prepared:
    """Create what is missing; doing it again changes nothing but the broker's address.

    Afterwards this process is itself a program of the head-end (Django is set up).

    Args:
        installation: where.
        tell: is told which part is being done.
    """
    installation.enter()
    from django.core.management import call_command
    from django.db import connections
    from django.utils import timezone

    from headend.vending.demonstration import seed
    from tools.provision import service

    for board in firmware_build.BOARDS:
        tell(f"firmware of the {_NAMES[board]}")
        firmware_build.build(board)
    with private_files():
        tell("database")
        call_command("migrate", verbosity=0)
        tell("keys, customers and sales")
        seeded = seed(at=timezone.now())
        broker = urlsplit(installation.mqtt_url)
        for supply, board in zip(seeded.supplies, BOARDS, strict=True):
            folder = installation.meters / supply.drn
            if not (folder / label.FILE).exists():
                tell(f"meter {supply.drn}")
                service.provision(supply.drn, folder=folder, board=board, customer=supply.customer)
        for made in label.labels_in(installation.meters):  # others that were provisioned, too
            service.set_broker(
                made.folder,
                host=broker.hostname or "127.0.0.1",
                port=broker.port or 1883,
                user=broker.username,
                password=broker.password,
            )
    connections.close_all()
    logins = [Login(person.username, person.password, person.group) for person in seeded.people]
    return Prepared(logins, label.labels_in(installation.meters))
