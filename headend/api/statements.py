"""A ledger account as a list with cursors: each line with the balance after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from ninja import Schema

from headend.api.requests import page
from headend.config.ids import LedgerLineId
from headend.ledger.models import Line
from headend.ledger.sums import Reading


class StatementLineOut(Schema):
    """One movement, and what the balance was after it."""

    id: LedgerLineId
    at: datetime
    description: str
    reference: str
    currency: str
    amount_minor: int  # how the balance changed
    balance_minor: int


def statement_page(
    lines: QuerySet[Line], *, sign: int, cursor: str | None, limit: int
) -> dict[str, Any]:
    """Return some movements of an account, the newest first, in the order they were written.

    Args:
        lines: all of the account.
        sign: 1 to show debits as they are, -1 if the account is somebody's credit.
        cursor: of the page before; None for the newest.
        limit: how many at most.
    """

    def give(line: Line) -> dict[str, Any]:
        return {
            "id": line.pk,
            "at": line.entry.at,
            "description": line.entry.description,
            "reference": line.entry.reference,
            "currency": line.currency,
            "amount_minor": sign * line.amount_minor,
        }

    shown = page(lines.select_related("entry"), cursor=cursor, limit=limit, give=give)
    if shown["items"]:
        newest = lines.get(pk=shown["items"][0]["id"])
        balance_minor = sign * Reading(up_to_line=newest.pk).sums(newest.account_id).balance_minor
        for item in shown["items"]:
            item["balance_minor"] = balance_minor
            balance_minor -= item["amount_minor"]
    return shown
