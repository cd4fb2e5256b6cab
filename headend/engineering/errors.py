"""Refusals about engineering tokens."""

from headend.config.errors import Refusal


class UnknownTokenKind(Refusal):
    """There is no kind of token of that name."""

    code = "token_kind_unknown"


class InvalidTokenFields(Refusal):
    """A field is missing, unknown, or outside its range."""

    code = "token_fields_invalid"


class NotReplaceable(Refusal):
    """The token can't be made again under the meter's earlier key."""

    code = "token_not_replaceable"


class NothingToSend(Refusal):
    """The token was taken back or superseded; it is not sent."""

    code = "token_not_sent"
