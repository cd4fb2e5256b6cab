"""The nightly check of the audit record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.conf import settings

from headend.audit import signing
from headend.audit.verification import verify
from headend.config import chores


@chores.chore("audit", "The audit record is whole and sealed", chores.Nightly(hour=3))
def check(*, at: datetime) -> chores.Outcome:
    """Compare entries, signatures, chain and published seals, as `prepay audit verify` does."""
    report = verify(seals=Path(settings.AUDIT_SEALS), key=signing.own_key(), at=at)
    if report.is_sound:
        return chores.Outcome(
            f"{report.links} sealed entries are sound, {report.waiting} wait for the sealer."
        )
    first = report.findings[0]
    return chores.Outcome(
        f"{len(report.findings)} findings, the first: {first.text}; run prepay audit verify.",
        is_well=False,
    )
