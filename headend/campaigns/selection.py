"""Which meters a campaign is for: a supply group narrowed down, or a list of meter numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from headend.campaigns.errors import InvalidCampaign
from headend.customers.queries import agreements_in_force
from headend.meters.models import Meter

BATCH = 500


@dataclass(frozen=True)
class Selection:
    """Installed meters that fit everything given; or those listed, in any state but scrapped."""

    sgc: str = ""
    krn: int | None = None
    base_date: int | None = None
    tariff: str = ""  # code
    address: str = ""  # a part of the premises' address
    meters: tuple[str, ...] = ()  # meter numbers

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Selection:
        """Return the selection that a campaign keeps."""
        return cls(**{**kept, "meters": tuple(kept.get("meters", ()))})

    @property
    def as_kept(self) -> dict[str, Any]:
        """What a campaign keeps."""
        return asdict(self) | {"meters": list(self.meters)}

    @property
    def in_words(self) -> str:
        """What is selected, for a person."""
        if self.meters:
            return f"{len(self.meters)} meters by number"
        parts = [f"supply group {self.sgc}"] if self.sgc else []
        parts += [f"KRN {self.krn}"] if self.krn is not None else []
        parts += [f"base date {self.base_date}"] if self.base_date is not None else []
        parts += [f"tariff {self.tariff}"] if self.tariff else []
        parts += [f"address with “{self.address}”"] if self.address else []
        return ", ".join(parts)

    def require_something(self) -> None:
        """Raise InvalidCampaign unless a supply group or meter numbers are given."""
        if not self.sgc and not self.meters:
            raise InvalidCampaign("a campaign is for a supply group, or for listed meters")

    def unknown_numbers(self) -> list[str]:
        """Return the listed numbers that no meter has."""
        known: set[str] = set()
        for start in range(0, len(self.meters), BATCH):
            part = self.meters[start : start + BATCH]
            known.update(Meter.objects.filter(drn__in=part).values_list("drn", flat=True))
        return [number for number in self.meters if number not in known]

    def batch(self, after: int, *, at: datetime) -> tuple[list[Meter], int | None]:
        """Return up to BATCH meters and the place to go on from; None at the end.

        Args:
            after: 0 at first, then the place that the last call returned.
            at: agreements in force then count.
        """
        if self.meters:
            part = self.meters[after : after + BATCH]
            found = list(Meter.objects.filter(drn__in=part).order_by("pk"))
            place = after + len(part)
            usable = [one for one in found if one.status != Meter.Status.SCRAPPED]
            return usable, place if place < len(self.meters) else None
        found = list(self._filtered(at).filter(pk__gt=after).order_by("pk")[:BATCH])
        return found, found[-1].pk if len(found) == BATCH else None

    def batches(self, *, at: datetime) -> Iterator[list[Meter]]:
        """Go through all meters, a batch at a time."""
        place: int | None = 0
        while place is not None:
            found, place = self.batch(place, at=at)
            yield found

    def _filtered(self, at: datetime) -> QuerySet[Meter]:
        found = Meter.objects.filter(status=Meter.Status.INSTALLED)
        if self.sgc:
            found = found.filter(sgc=self.sgc)
        if self.krn is not None:
            found = found.filter(krn=self.krn)
        if self.base_date is not None:
            found = found.filter(base_date=self.base_date)
        if self.tariff or self.address:
            served = agreements_in_force().filter(meter=OuterRef("pk"))
            if self.tariff:
                served = served.filter(tariff__code=self.tariff)
            if self.address:
                served = served.filter(premises__address__icontains=self.address)
            found = found.filter(Exists(served))
        return found
