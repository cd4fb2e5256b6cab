"""Refusals of the services about people."""

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


class FactorRefused(Refusal):
    """A second factor, or the change to one, was not accepted."""

    code = "second_factor_refused"


class TooManyAttempts(Refusal):
    """Too many wrong tries; the next one has to wait."""

    code = "too_many_attempts"


class PeopleRefused(Refusal):
    """A change to a person or group that would be wrong or lock everybody out."""

    code = "people_refused"


class InvalidProgram(Refusal):
    """A program can't have that name."""

    code = "program_invalid"
