"""Refusals of the fleet's services."""

from __future__ import annotations

from headend.config.errors import Refusal


class BadCommand(Refusal):
    """The meter would refuse the command as malformed."""

    code = "bad_command"


class CommandFinished(Refusal):
    """The command has ended already; there is nothing to call back."""

    code = "command_finished"


class CommandSent(Refusal):
    """The command may have reached the meter; calling it back would be a guess."""

    code = "command_sent"


class NeedsApproval(Refusal):
    """A second person has to approve it first."""

    code = "needs_approval"
