"""What `prepay supply` prints: the facts of a trial, a closing or a replacement."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def trial_facts(shown: Any) -> dict[str, Any]:
    """Return what a trial of a closing says."""
    return _facts(shown.agreement, shown.registers, shown.reckoning) | {"state": "trial"}


def closing_facts(closing: Any, *, at: datetime) -> dict[str, Any]:
    """Return what a closing says: as a trial while it is open."""
    from headend.supply import trials

    if closing.is_open:
        facts = trial_facts(trials.trial_of(closing, at=at))
    else:
        facts = _facts(closing.agreement, trials.registers_of(closing), closing.settlement)
    return facts | {
        "closing": closing.number,
        "state": str(closing.state),
        "credit_is_clear": not closing.needs_clearing,
    }


def _facts(agreement: Any, registers: Any, done: Any) -> dict[str, Any]:
    """Return what a trial or a settlement says; `done` is either's outcome, or None."""
    lines = getattr(done, "lines", ())
    return {
        "closing": None,
        "customer": agreement.customer.name,
        "meter": agreement.meter.drn,
        "energy_wh": registers.energy_wh if registers else None,
        "credit_wh": registers.credit_wh if registers else None,
        "lines": [
            {"kind": str(line.kind), "text": line.description, "amount_minor": line.amount_minor}
            for line in (lines.all() if hasattr(lines, "all") else lines)
        ],
        "refund_minor": done.refund_minor if done else None,
        "owed_minor": done.owed_minor if done else None,
    }


def _amount(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def closing_text(facts: dict[str, Any]) -> str:
    """Return a trial or a closing as people read it."""
    rows = [
        f"{facts['closing'] or 'Trial'}  {facts['customer']}, meter {facts['meter']}",
        f"State     {facts['state']}",
    ]
    if facts["energy_wh"] is None:
        return "\n".join([*rows, "Registers are not known yet."])
    rows += [
        f"Energy    {facts['energy_wh'] / 1000:.1f} kWh",
        f"Credit    {facts['credit_wh'] / 1000:.1f} kWh",
        *(
            f"  {line['text']:40} {_amount(line['amount_minor']):>12}"
            for line in facts["lines"]
            if line["kind"] not in ("refund", "owed")
        ),
        f"Refund    {_amount(facts['refund_minor'])}"
        if not facts["owed_minor"]
        else f"Owed      {_amount(facts['owed_minor'])}",
    ]
    if facts.get("waits_for_approval"):
        rows.append("The refund waits for a second person's approval.")
    return "\n".join(rows)


def facts_text(facts: dict[str, Any]) -> str:
    """Return facts one on a line."""
    return "\n".join(
        f"{name.replace('_', ' ') + ':':22}{'-' if fact is None else fact}"
        for name, fact in facts.items()
    )
