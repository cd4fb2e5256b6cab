"""Callers' message ids, and what each stands for, so that no message is sold twice."""

from __future__ import annotations

import hashlib

from headend.config import prepared, statements
from headend.currencies import queries as currencies
from headend.meters.models import Meter
from headend.vending import disclosure
from headend.vending.errors import (
    InvalidMessageId,
    MessageConflict,
    SaleReversed,
)
from headend.vending.models import (
    Sale,
)

_LONGEST_MESSAGE_ID = 64


def is_sold(caller: str, message_id: str) -> bool:
    """Say whether a message of a caller has made a sale."""
    ((found,),) = prepared.rows(statements.IS_SOLD, caller, message_id)
    return bool(found)


def sale_of(caller: str, message_id: str) -> Sale | None:
    """Return the sale that a message of a caller made, if it made one."""
    found: Sale | None = prepared.first(statements.SALE_OF_MESSAGE, caller, message_id)
    return found


def same_request(sale: Sale, digest: bytes) -> Sale:
    """Return the sale that a repeated message made.

    Raises:
        MessageConflict, SaleReversed: as `vend`.
    """
    if bytes(sale.request_digest) != digest:
        raise MessageConflict(
            f"message id {sale.message_id} already stands for receipt {sale.receipt_number}, "
            "another request; choose a new id"
        )
    if disclosure.is_reversed(sale):
        raise SaleReversed(f"sale {sale} was reversed; to sell again choose a new message id")
    return sale


def digest_of(
    meter: Meter, tender_minor: int, *, currency: str, hold_token: bool, waive_floor: bool
) -> bytes:
    """Return what tells a request for a sale from another one; arguments as of `vend`."""
    wishes = "|hold" * hold_token + "|waive" * waive_floor
    if currencies.is_other(currency):
        wishes += f"|{currency}"
    return hashlib.sha256(f"vend|{meter.pan}|{tender_minor}{wishes}".encode()).digest()


def require_names(caller: str, message_id: str) -> None:
    """Raise InvalidMessageId if a caller or the id it chose can't be kept."""
    for what, text in (("caller", caller), ("message id", message_id)):
        if not 0 < len(text) <= _LONGEST_MESSAGE_ID or not text.isprintable():
            raise InvalidMessageId(
                f"a {what} is 1 to {_LONGEST_MESSAGE_ID} printable characters, not {text!r}"
            )
