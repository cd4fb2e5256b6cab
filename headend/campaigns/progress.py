"""A campaign's progress: counts per supply group and stage, and each meter's row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Case, CharField, Count, F, Q, QuerySet, Value, When
from django.db.models.functions import TruncDate

from headend.campaigns.models import Campaign, CampaignMeter
from headend.design.cells import safe_cell
from headend.meters.models import KeyChange

State = KeyChange.State

# Stage -> what it means; in the order of a change that goes well, then the other ends.
STAGES = {
    "pending": "not begun",
    "prepared": "tokens ready, nobody has them yet",
    "pushed": "sent to the meter",
    "handed out": "printed with a purchase",
    "confirmed": "the meter has its new key",
    "failed": "refused; the reason stands beside",
    "withdrawn": "taken back",
}
_IS = {
    "confirmed": Q(key_change__state=State.ENTERED),
    "withdrawn": Q(key_change__state=State.WITHDRAWN),
    "failed": ~Q(failure=""),
    "pending": Q(key_change=None),
    "prepared": Q(key_change__state=State.PREPARED),
    "pushed": Q(key_change__pushed_at__isnull=False, key_change__hand_outs=0),
}


def staged(campaign: Campaign) -> QuerySet[Any]:
    """Return the campaign's rows, each with its `stage`."""
    stage = Case(
        *(When(condition, then=Value(name)) for name, condition in _IS.items()),
        default=Value("handed out"),
        output_field=CharField(),
    )
    return campaign.rows.annotate(stage=stage)


@dataclass(frozen=True)
class GroupProgress:
    """One supply group of a campaign."""

    sgc: str
    counts: dict[str, int] = field(default_factory=dict)  # by stage

    @property
    def total(self) -> int:
        """How many meters it has in the campaign."""
        return sum(self.counts.values())

    @property
    def confirmed_percent(self) -> int:
        """How much of it is done, rounded down."""
        return 100 * self.counts.get("confirmed", 0) // self.total if self.total else 0

    @property
    def handed_out(self) -> int:
        """How many have their tokens from a purchase and are not confirmed."""
        return self.counts.get("handed out", 0)

    @property
    def stages(self) -> list[tuple[str, int]]:
        """Every stage with its count."""
        return [(stage, self.counts.get(stage, 0)) for stage in STAGES]


def progress(campaign: Campaign) -> list[GroupProgress]:
    """Count the campaign's meters by supply group and stage, in one query."""
    rows = (
        staged(campaign)
        .values(sgc=F("meter__sgc"), at_stage=F("stage"))
        .annotate(count=Count("pk"))
        .order_by("sgc")
    )
    groups: dict[str, GroupProgress] = {}
    for row in rows:
        group = groups.setdefault(row["sgc"], GroupProgress(row["sgc"]))
        group.counts[row["at_stage"]] = row["count"]
    return list(groups.values())


def in_all(groups: list[GroupProgress]) -> GroupProgress:
    """Return the sum of all groups."""
    counts: dict[str, int] = {}
    for group in groups:
        for stage, count in group.counts.items():
            counts[stage] = counts.get(stage, 0) + count
    return GroupProgress("", counts)


def failures(campaign: Campaign) -> list[tuple[str, str, int]]:
    """Return code, one explanation and count of each kind of failure, most frequent first."""
    counted = (
        staged(campaign)
        .filter(stage="failed")
        .values("failure")
        .annotate(count=Count("pk"))
        .order_by("-count", "failure")
    )
    return [
        (
            row["failure"],
            campaign.rows.filter(failure=row["failure"]).values_list("explanation", flat=True)[0],
            row["count"],
        )
        for row in counted
    ]


def confirmed_by_day(campaign: Campaign) -> list[tuple[date, int]]:
    """Return how many meters were confirmed on each local day on which any was."""
    counted = (
        campaign.rows.filter(key_change__state=State.ENTERED)
        .values(day=TruncDate("key_change__ended_at"))
        .annotate(count=Count("pk"))
        .order_by("day")
    )
    return [(row["day"], row["count"]) for row in counted]


COLUMNS = (
    "meter", "sgc", "stage", "failure", "explanation", "old_krn", "new_krn", "old_base_date",
    "new_base_date", "prepared_at", "issued_at", "pushed_at", "purchases", "ended_at", "evidence",
)  # fmt: skip


def sheet(campaign: Campaign) -> Iterator[list[str]]:
    """Go through a campaign's meters as rows of text, headings first, for a CSV file."""
    yield list(COLUMNS)
    rows = staged(campaign).select_related("meter", "key_change").order_by("pk")
    for row in rows.iterator(chunk_size=1000):
        told = [row.meter.drn, row.meter.sgc, row.stage, row.failure, row.explanation, *_told(row)]
        yield [safe_cell(cell) for cell in told]


def _told(row: CampaignMeter) -> list[str]:
    change = row.key_change
    if change is None:
        return [""] * 10
    moments = (change.prepared_at, change.issued_at, change.pushed_at)
    return [
        str(change.before["krn"]),
        str(change.after["krn"]),
        str(change.before["base_date"]),
        str(change.after["base_date"]),
        *(moment.isoformat(timespec="seconds") if moment else "" for moment in moments),
        str(change.hand_outs),
        change.ended_at.isoformat(timespec="seconds") if change.ended_at else "",
        change.evidence,
    ]
