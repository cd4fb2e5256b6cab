"""Reasons why a vend is refused, each with a stable code."""

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


class NoFreeElectricity(Refusal):
    """Nobody is enrolled there, or this month was given elsewhere."""

    code = "no_free_electricity"


class InvalidFreeProgramme(Refusal):
    """A programme, its amount or an enrolment makes no sense as given."""

    code = "free_programme_invalid"


class SaleReversed(Refusal):
    """The sale was taken back; its token is given to nobody."""

    code = "sale_reversed"


class TokenDisclosed(Refusal):
    """Somebody may have the token: the sale can't be taken back, only moved to another meter."""

    code = "token_disclosed"


class ReversalRefused(Refusal):
    """The sale can't be taken back: it was moved, paid by a move, or something was built on it."""

    code = "reversal_refused"


class ReallocationRefused(Refusal):
    """The sale can't be moved to another meter like that."""

    code = "reallocation_refused"


class NotLatestSale(Refusal):
    """A later sale under the same agreement was calculated from this one."""

    code = "not_latest_sale"


class InvalidKeyChange(Refusal):
    """The change alters nothing, or no meter would take it."""

    code = "key_change_invalid"


class KeyChangeUnderWay(Refusal):
    """The meter has a key change that is not over yet."""

    code = "key_change_under_way"


class KeyChangeOver(Refusal):
    """The key change has ended: the meter has its new key, or it was taken back."""

    code = "key_change_over"
