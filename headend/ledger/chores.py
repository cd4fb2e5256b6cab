"""The nightly check of the ledger."""

from __future__ import annotations

from datetime import datetime

from headend.config import chores
from headend.ledger import proofs

_TOLD = 3  # differences that are named; the page of the trial balance has all


@chores.chore("ledger", "Every figure follows from the ledger", chores.Nightly(hour=2))
def check(*, at: datetime) -> chores.Outcome:
    """Run every proof."""
    proving = proofs.prove(at=at)
    found = proofs.differences_of(proving)
    if not found:
        return chores.Outcome(f"All {proving.proofs} proofs agree, in {proving.seconds:.1f} s.")
    named = ", ".join(one.what for one in found[:_TOLD])
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return chores.Outcome(
        f"What the ledger says differs from the record of {named}{more}; see the trial balance.",
        is_well=False,
    )
