"""Writes the audit record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models

from headend.accounts.models import User
from headend.audit import origin, signing
from headend.audit.models import AuditEntry
from headend.config import writing


def record(
    *,
    actor: User | None,
    action: str,
    target: models.Model,
    at: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    source: str = "",
) -> AuditEntry:
    """Add an entry; call it in the transaction of the act, so that both are kept or neither.

    Args:
        actor: who did it; None for the system itself.
        action: capability and verb, for example "vending.vend".
        target: the object acted on, already saved.
        at: when it was done.
        before: what was there, only the fields that changed. Never a key or a password.
        after: what is there now.
        reason: why, in the actor's words.
        source: the channel or program it came by; the address is added where one is known.
    """
    entry = writing.new(
        AuditEntry,
        at=at,
        actor=actor,
        actor_name=actor.username if actor else "system",
        source=origin.with_origin(source),
        action=action,
        object_type=target._meta.label_lower,
        object_id=str(target.pk),
        object_label=str(target)[:200],
        before=before,
        after=after,
        reason=reason,
    )
    entry.signature = signing.sign(entry, signing.own_key())
    writing.save(entry)
    return entry
