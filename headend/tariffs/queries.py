"""Reads of tariffs and their versions."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import DateTimeField, QuerySet, Window
from django.db.models.functions import Lead

from headend.accounts.models import Approval
from headend.config import prepared, statements
from headend.tariffs import components as kinds
from headend.tariffs import document
from headend.tariffs.errors import NoTariffInForce
from headend.tariffs.models import TariffDraft, TariffVersion
from headend.tariffs.rules import TariffRules

ACTIVATE = "tariffs.activate"  # the act that makes a version of a draft


def version_in_force(tariff_id: int, *, at: datetime) -> TariffVersion:
    """Return the version of a tariff that holds at an instant.

    Raises:
        NoTariffInForce: the tariff's first version begins later.
    """
    latest: list[TariffVersion] = prepared.every(statements.LATEST_VERSIONS, tariff_id)
    begun = (one for one in latest if one.valid_from <= at)
    version: TariffVersion | None = next(begun, None)
    if version is None and latest:
        version = prepared.first(statements.TARIFF_VERSION, tariff_id, at)
    if version is None:
        raise NoTariffInForce(
            f"the tariff of this agreement has no version at {at:%Y-%m-%d %H:%M}; publish one"
        )
    return version


def waiting_drafts() -> set[int]:
    """Return the drafts about which somebody still has to decide."""
    waiting = Approval.objects.filter(act=ACTIVATE, state=Approval.OPEN)
    return {asked["draft"] for asked in waiting.values_list("arguments", flat=True)}


def refusal_of(draft: TariffDraft) -> Approval | None:
    """Return the answer to a draft that was handed in and sent back; None while it waits."""
    if draft.state != TariffDraft.State.SUBMITTED:
        return None
    last = Approval.objects.filter(act=ACTIVATE, arguments__draft=draft.pk).order_by("-pk").first()
    return last if last is not None and last.state != Approval.OPEN else None


def rules_of(version: TariffVersion) -> TariffRules:
    """Return a stored version as the price calculation wants it."""
    return _read(_Same(version.rules))


class _Same:
    """A document compared by identity, so that looking it up costs next to nothing."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def __hash__(self) -> int:
        return id(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.document is other.document


@lru_cache(maxsize=1024)
def _read(same: _Same) -> TariffRules:
    """Return the rules of a document; a version read again has the same one, which is kept."""
    return document.read(same.document)


def asks_for_connection(version: TariffVersion) -> bool:
    """Say whether a version's prices depend on the size of the connection."""
    return any(
        (isinstance(one, kinds.PercentLevy) and bool(one.by_connection_va))
        or (isinstance(one, kinds.PeriodicFee) and one.per_kva)
        or (isinstance(one, kinds.EnergyByBand) and one.by == kinds.CONNECTION_VA)
        for one in rules_of(version).components
    )


def with_ends(versions: QuerySet[TariffVersion]) -> QuerySet[TariffVersion]:
    """Add to versions `valid_until`: when the next one of their tariff begins, or None."""
    return versions.annotate(
        valid_until=Window(
            Lead("valid_from"),
            partition_by="tariff_id",
            order_by="valid_from",
            output_field=DateTimeField(),
        )
    )
