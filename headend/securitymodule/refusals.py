"""Refuses published keys, and records refused uses of keys in the audit record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings

from headend.accounts.models import User
from headend.audit import services as audit
from headend.securitymodule.errors import KeyRefused, PublishedKeyRefused
from headend.securitymodule.models import LinkRoot, VendingKey


@contextmanager
def refusals_recorded(*, by: User | None, at: datetime) -> Iterator[None]:
    """Record in the audit if a key is refused inside.

    Wrap the transaction in it, not the other way round: the refusal undoes what the transaction
    did, and the record of the refusal must stay.

    Args:
        by: who wanted the key used.
        at: now.
    """
    try:
        yield
    except KeyRefused as refusal:
        record_refusal(refusal, by=by, at=at)
        raise


def record_refusal(refusal: KeyRefused, *, by: User | None, at: datetime) -> None:
    """Put the refused use of a key into the audit record, if it names the key or the meter.

    A vending key that is over is marked as well, so that no clock that is set back revives it.
    """
    key = refusal.target
    if isinstance(key, VendingKey) and key.active_until is not None and at >= key.active_until:
        VendingKey.objects.filter(pk=key.pk).update(seen_over_at=at)
    if refusal.target is not None:
        audit.record(
            actor=by,
            action="securitymodule.refuse_key",
            target=refusal.target,
            at=at,
            after={"code": refusal.code},
            reason=str(refusal)[:500],
        )


@contextmanager
def naming(key: VendingKey | LinkRoot) -> Iterator[None]:
    """Make a refusal that comes from a key's store name the key."""
    try:
        yield
    except KeyRefused as refusal:
        refusal.target = refusal.target or key
        raise


def require_demonstration(what: str, key: VendingKey | LinkRoot | None = None) -> None:
    """Refuse a published key outside demonstration mode.

    Raises:
        PublishedKeyRefused: this is not a demonstration.
    """
    if not settings.DEMONSTRATION:
        raise PublishedKeyRefused(
            f"{what} is published and may be used in demonstrations only "
            "(OPENPREPAY_DEMONSTRATION=1)",
            key,
        )
