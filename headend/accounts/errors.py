"""What the services about people refuse."""

from headend.config.errors import Refusal


class SamePerson(Refusal):
    """Whoever asked for an act may not be the one who approves it."""

    code = "same_person"


class AlreadyDecided(Refusal):
    """The request was approved, refused or withdrawn before."""

    code = "already_decided"


class UnknownAct(Refusal):
    """No act of that name is registered."""

    code = "unknown_act"
