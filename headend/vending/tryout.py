"""Tries a draft tariff on a past month: what it would have earned, and who would pay more.

Each agreement's energy of the month is priced as one purchase, under the tariff that held and
under the draft, with one period of each fee: so nobody's habit of buying often or seldom shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Sum

from headend.config.errors import Refusal
from headend.config.exact import Fraction
from headend.customers.models import SupplyAgreement
from headend.tariffs import document
from headend.tariffs.context import FeeDue, PurchaseContext
from headend.tariffs.models import TariffDraft, TariffVersion
from headend.tariffs.pricing import least_tender
from headend.tariffs.queries import rules_of
from headend.tariffs.rules import TariffRules
from headend.vending.history import month_start
from headend.vending.models import Sale

# Beyond so many agreements a sample says as much; it takes the first by their number.
MOST_AGREEMENTS = 500
BANDS_KWH = (25, 50, 100, 200, 400)
SHOWN = 10


@dataclass(frozen=True)
class Difference:
    """One agreement's month under both tariffs."""

    agreement: SupplyAgreement
    energy_wh: int
    before_minor: int
    after_minor: int

    @property
    def more_minor(self) -> int:
        """What the draft makes it pay more; negative: less."""
        return self.after_minor - self.before_minor

    @property
    def change_tenths(self) -> int:
        """By how many tenths of a percent it pays more, to the nearest; negative: less."""
        return _change_tenths(self.before_minor, self.after_minor)


@dataclass(frozen=True)
class Band:
    """Agreements of like use."""

    title: str
    count: int
    before_minor: int
    after_minor: int

    @property
    def change_tenths(self) -> int:
        """By how many tenths of a percent they pay more, to the nearest; negative: less."""
        return _change_tenths(self.before_minor, self.after_minor)


@dataclass(frozen=True)
class TryOut:
    """What a draft would have done to a month."""

    begins: datetime
    ends: datetime
    differences: Sequence[Difference]
    left_out: int  # agreements beyond the sample
    not_priced: int  # agreements whose energy one of the tariffs can't price

    @property
    def before_minor(self) -> int:
        """What the energy brought, by the tariff that held."""
        return sum(one.before_minor for one in self.differences)

    @property
    def after_minor(self) -> int:
        """What it would have brought."""
        return sum(one.after_minor for one in self.differences)

    @property
    def energy_wh(self) -> int:
        """The energy of the month."""
        return sum(one.energy_wh for one in self.differences)

    @property
    def change_tenths(self) -> int:
        """By how many tenths of a percent it would have brought more; negative: less."""
        return _change_tenths(self.before_minor, self.after_minor)

    @property
    def paying_more(self) -> int:
        """How many would have paid more."""
        return sum(one.more_minor > 0 for one in self.differences)

    @property
    def most(self) -> list[Difference]:
        """Those who would have paid most more, in proportion."""
        dearer = [one for one in self.differences if one.more_minor > 0]
        share = sorted(dearer, key=lambda one: -Fraction(one.more_minor, one.before_minor or 1))
        return share[:SHOWN]

    @property
    def bands(self) -> list[Band]:
        """Agreements by use, from the smallest on."""
        out: list[Band] = []
        low = 0
        for high in (*BANDS_KWH, None):
            of_band = [
                one
                for one in self.differences
                if one.energy_wh > low * 1000 and (high is None or one.energy_wh <= high * 1000)
            ]
            out.append(
                Band(
                    f"{low}–{high}" if high is not None else f"> {low}",
                    len(of_band),
                    sum(one.before_minor for one in of_band),
                    sum(one.after_minor for one in of_band),
                )
            )
            low = high if high is not None else low
        return out


def try_out(draft: TariffDraft, *, at: datetime) -> TryOut:
    """Price the last whole month anew by a draft. Changes nothing.

    Args:
        draft: its code says whose sales are taken: those of the tariff it will be a version of.
        at: now; the month before its month is taken.
    """
    ends = month_start(at)
    begins = month_start(ends - timedelta(days=1))
    bought = (
        Sale.objects.standing()
        .filter(
            created_at__gte=begins,
            created_at__lt=ends,
            tariff_version__tariff__code=draft.code,
            issued_wh__gt=0,
        )
        .values("agreement_id", "tariff_version_id")
        .annotate(total_wh=Sum("issued_wh"))
        .order_by("agreement_id", "-tariff_version_id")
    )
    month: dict[int, tuple[int, int]] = {}  # by agreement: its energy, the latest version
    for row in bought:
        energy_wh, version = month.get(row["agreement_id"], (0, row["tariff_version_id"]))
        month[row["agreement_id"]] = (energy_wh + row["total_wh"], version)
    sample = list(month)[:MOST_AGREEMENTS]
    agreements = SupplyAgreement.objects.select_related("customer", "premises", "meter").in_bulk(
        sample
    )
    held = {
        version.pk: rules_of(version)
        for version in TariffVersion.objects.filter(pk__in={month[pk][1] for pk in sample})
    }
    proposed = document.read(draft.rules)
    differences: list[Difference] = []
    for pk in sample:
        energy_wh, version = month[pk]
        before = _money(energy_wh, held[version], agreements[pk])
        after = _money(energy_wh, proposed, agreements[pk])
        if before is not None and after is not None:
            differences.append(Difference(agreements[pk], energy_wh, before, after))
    return TryOut(
        begins, ends, differences, len(month) - len(sample), len(sample) - len(differences)
    )


def _change_tenths(before_minor: int, after_minor: int) -> int:
    if not before_minor:
        return 0
    return round(Fraction(1000 * (after_minor - before_minor), before_minor))


def _money(energy_wh: int, rules: TariffRules, agreement: SupplyAgreement) -> int | None:
    """Return what a month's energy costs, bought at once; None if the tariff can't say."""
    context = PurchaseContext(
        fees={fee.name: FeeDue(1) for fee in rules.periodic_fees},
        average_kwh=Fraction(energy_wh, 1000),
        connection_va=agreement.connection_va,
    )
    try:
        return least_tender(energy_wh=energy_wh, tariff=rules, context=context)
    except Refusal:
        return None
