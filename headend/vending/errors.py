"""What a vend can be refused for; each has a code that never changes."""

from headend.config.errors import Refusal


class InvalidTender(Refusal):
    """The money is nothing, below nothing, or in another currency."""

    code = "tender_invalid"


class TenderTooSmall(Refusal):
    """The money buys less than the smallest energy the tariff gives."""

    code = "tender_too_small"


class TenderTooLarge(Refusal):
    """The money buys more than one token can carry."""

    code = "tender_too_large"


class MeterNotInstalled(Refusal):
    """The meter is in stock, removed or scrapped."""

    code = "meter_not_installed"


class InvalidMessageId(Refusal):
    """The message id or the caller's name is empty, too long or not plain text."""

    code = "message_id_invalid"


class MessageConflict(Refusal):
    """The caller used this message id for another request."""

    code = "message_conflict"


class SaleNotFound(Refusal):
    """This caller has no sale under that message id: it did not happen."""

    code = "sale_not_found"


class NothingToSend(Refusal):
    """The sale gave no token."""

    code = "nothing_to_send"
