"""Where higher capabilities register to learn the outcome of commands.

A capability registers beside its services, and its app's `ready` imports the module:

    @followers.of(commands.CLOSE_ACCOUNT)
    def settle(command, *, at):
        if command.state == State.ACCEPTED:
            ... command.detail["cleared_wh"] ...
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from django.db import InterfaceError, OperationalError, transaction

from headend.fleet.models import Command
from headend.fleet.work_items import open_work_item

log = logging.getLogger(__name__)


class Follower(Protocol):
    """Takes note that a command has ended, in the transaction that ends it.

    The meter's link is locked: whoever locks rows of their own and queues commands too locks the
    link first (`services.lock_link`), everywhere. A command may end twice: the meter's own answer
    counts even after the head-end gave up.
    """

    def __call__(self, command: Command, *, at: datetime) -> None:
        """Act on `command.state`, `status` and `detail`."""


_followers: dict[str, list[Follower]] = defaultdict(list)


def of(command: str) -> Callable[[Follower], Follower]:
    """Register the decorated function for the ends of a command.

    Args:
        command: its name in `shared.wire.commands`.
    """

    def register(follower: Follower) -> Follower:
        _followers[command].append(follower)
        return follower

    return register


def tell(command: Command, *, at: datetime) -> None:
    """Tell the followers that a command has ended.

    What breaks in one of them becomes a work item: the meter's answer is stored all the same.

    Args:
        command: stored in its final state.
        at: now.

    Raises:
        OperationalError, InterfaceError: the database is out of reach.
    """
    for follower in _followers[command.command]:
        try:
            with transaction.atomic():
                follower(command, at=at)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("the end of command %s was not followed up", command.pk)
            open_work_item(
                kind="follow_up",
                cause=f"follow-up of command {command.pk}",
                summary=f"{command.command} of meter {command.meter.drn} is {command.state}, but "
                f"what should follow from it failed: {error}",
                at=at,
                meter=command.meter,
                command=command,
            )
