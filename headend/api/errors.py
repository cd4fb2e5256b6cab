"""Refusals of the API itself, besides those of the services."""

from headend.config.errors import Refusal


class NotAuthenticated(Refusal):
    """No key, an unknown one, or one that has expired or was revoked."""

    code = "not_authenticated"


class ScopeMissing(Refusal):
    """The key is good but not for this."""

    code = "scope_missing"


class TooManyRequests(Refusal):
    """The key asks more often than it may."""

    code = "too_many_requests"


class TenderOverLimit(Refusal):
    """The vend is larger than the key may make, or goes beyond its day's limit."""

    code = "tender_over_limit"


class InvalidKey(Refusal):
    """A key can't be created as asked."""

    code = "api_key_invalid"


class ObjectNotFound(Refusal):
    """There is nothing under that id."""

    code = "not_found"


class OtherKind(Refusal):
    """The id is of a thing of another kind than the one asked for."""

    code = "id_of_other_kind"


class MessageReused(Refusal):
    """The message id stands for another request of this program."""

    code = "message_conflict"
