"""One row of a benchmark's result: a value, and the peer or limit it is held against."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One measured value.

    Attributes:
        name: unique in bench.json, for example "vend_http_16_clients".
        value: median of the rounds.
        unit: of the value, for example "vends/s".
        against: what the reference is: a peer measured in the same run, or a stated limit.
        reference: the peer's or limit's value in the same unit; None where there is none.
        rounds: how many interleaved rounds the median is taken from.
    """

    name: str
    value: float
    unit: str
    against: str
    reference: float | None
    rounds: int

    @property
    def ratio(self) -> float | None:
        """Value divided by reference, or None where there is nothing to compare with."""
        return self.value / self.reference if self.reference else None

    def as_json(self) -> dict[str, object]:
        """Return the row as bench.json holds it."""
        return {
            "value": self.value,
            "unit": self.unit,
            "against": self.against,
            "reference": self.reference,
            "ratio": self.ratio,
            "rounds": self.rounds,
        }
