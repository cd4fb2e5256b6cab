"""What is done for the ledger each night: balances are kept, and every figure is proved."""

from __future__ import annotations

from calendar import SUNDAY
from datetime import datetime

from headend.config import chores
from headend.ledger import checkpoints, proofs
from headend.ledger.models import Proving

_TOLD = 3  # differences that are named; the page of the trial balance has all


@chores.chore("checkpoint", "Balances are kept at a checkpoint", chores.Nightly(hour=1))
def keep_balances(*, at: datetime) -> chores.Outcome:
    """Add up what was written since the last checkpoint, so that nobody has to do it again."""
    made = checkpoints.make(at=at)
    if made is None:
        return chores.Outcome("No money moved since the last one.")
    return chores.Outcome(
        f"{str(made).capitalize()}; {made.balances.count()} accounts moved since the last one."
    )


@chores.chore("ledger", "Every figure follows from the ledger", chores.Nightly(hour=2))
def check(*, at: datetime) -> chores.Outcome:
    """Run every proof over what is new."""
    return _outcome(proofs.prove(at=at, whole=False))


@chores.chore(
    "ledger-whole",
    "Every figure follows from all lines ever written",
    chores.Nightly(hour=4, weekday=SUNDAY),
)
def check_all(*, at: datetime) -> chores.Outcome:
    """Run every proof over everything, which finds what was changed long ago."""
    return _outcome(proofs.prove(at=at))


def _outcome(proving: Proving) -> chores.Outcome:
    found = proofs.differences_of(proving)
    if not found:
        return chores.Outcome(f"All {proving.proofs} proofs agree, in {proving.seconds:.1f} s.")
    named = ", ".join(one.what for one in found[:_TOLD])
    more = f" and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return chores.Outcome(
        f"What the ledger says differs from the record of {named}{more}; see the trial balance.",
        is_well=False,
    )
