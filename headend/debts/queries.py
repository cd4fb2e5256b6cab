"""Finds the debts that a sale may collect from, and reports on all debts of a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Concat, Substr
from django.utils import timezone

from headend.config import prepared, statements
from headend.customers.models import SupplyAgreement
from headend.debts import services
from headend.debts.allocation import OpenDebt
from headend.debts.models import Debt, EnergyFloor
from headend.debts.terms import months_due, percent_on
from headend.ledger import chart
from headend.ledger.models import Account, Entry, Line
from headend.ledger.queries import Statement, trial_balance
from headend.ledger.queries import statement as statement_of_account

DEFAULT_FLOOR_PERCENT = Decimal(50)  # until a utility decides otherwise
SALE, REVERSAL = "sale", "reversal"  # whose entries refer to "sale:" or "reversal:" and a receipt
_OF_SALES = Q(entry__reference__startswith=f"{SALE}:") | Q(
    entry__reference__startswith=f"{REVERSAL}:"
)

SETTLEMENT = "settlement"  # what entries of closed accounts refer to


def debts_of(agreement: SupplyAgreement) -> QuerySet[Debt]:
    """Return what is owed by an agreement's customer and what rests on its premises."""
    return Debt.objects.filter(
        Q(customer=agreement.customer_id) | Q(premises=agreement.premises_id),
        balance_minor__gt=0,
    ).order_by("pk")


def collectable(agreement: SupplyAgreement, *, at: datetime, lock: bool = False) -> list[OpenDebt]:
    """Return the debts that a purchase under an agreement pays into.

    Args:
        agreement: who buys, and where.
        at: the time of sale; decides the month and which instalments are due.
        lock: keep the debts as they are until the transaction ends, for a sale that collects.
    """
    found = statements.DEBTS_LOCKED if lock else statements.DEBTS
    rows = prepared.every(found, agreement.customer_id, agreement.premises_id)
    collected_minor = _collected_this_month([row for row in rows if _counts_months(row)], at)
    today = timezone.localtime(at).date()
    return [
        OpenDebt(
            key=row.pk,
            title=row.title,
            priority=row.priority,
            balance_minor=row.balance_minor,
            method=row.method,
            percent=percent_on(row, today),
            amount_minor=row.amount_minor,
            principal_minor=row.plan_minor,
            instalments=row.instalments,
            instalments_due=months_due(row.first_due, today) if row.first_due else 0,
            collected_this_month_minor=collected_minor.get(row.account, 0),
            cap_per_purchase_minor=row.cap_per_purchase_minor,
            cap_per_month_minor=row.cap_per_month_minor,
            blocks=row.blocked_from is not None and row.blocked_from <= today,
        )
        for row in rows
    ]


def energy_floor(*, at: datetime) -> Decimal:
    """Return the share of a purchase that debts must leave for energy at an instant, 0..1."""
    rows = EnergyFloor.objects.filter(valid_from__lte=at).order_by("-valid_from", "-pk")
    percent = rows.values_list("percent", flat=True).first()
    return (DEFAULT_FLOOR_PERCENT if percent is None else percent) / 100


def statement(debt: Debt) -> Statement:
    """Return the whole life of a debt as the ledger has it."""
    account = Account.objects.get(code=debt.account, currency=debt.currency)
    return statement_of_account(account)


def collected_minor(debt: Debt) -> int:
    """Return what purchases have paid of a debt so far, without those that were reversed."""
    lines = Line.objects.filter(_OF_SALES, account__code=debt.account, currency=debt.currency)
    return -int(lines.aggregate(total=Sum("amount_minor"))["total"] or 0)


@dataclass(frozen=True)
class Movements:
    """What became of all debts of a currency in a period, as the ledger has it."""

    currency: str
    before_minor: int
    opened_minor: int
    adjusted_minor: int
    written_off_minor: int  # negative
    collected_minor: int  # negative: all that was paid, without what reversals gave back

    @property
    def after_minor(self) -> int:
        """What is owed at the end of the period."""
        return (
            self.before_minor
            + self.opened_minor
            + self.adjusted_minor
            + self.written_off_minor
            + self.collected_minor
        )


def movements(*, since: datetime | None, until: datetime | None) -> list[Movements]:
    """Return how what is owed came from its state before a half-open period to that after it."""
    lines = Line.objects.filter(account__code__startswith="debts.")
    before: dict[str, int] = {}
    if since is not None:
        balances = trial_balance(until=since, collapsed=True)
        before = {one.currency: one.amount_minor for one in balances if one.code == chart.DEBTS}
        lines = lines.filter(entry__at__gte=since)
    if until is not None:
        lines = lines.filter(entry__at__lt=until)
    opened, adjusted, written_off = (
        Q(entry__reference__startswith=f"{kind}:")
        for kind in (services.OPENED, services.ADJUSTED, services.WRITTEN_OFF)
    )
    rows = (  # one pass over the period's lines gives all the sums
        lines.order_by()
        .values_list("currency")
        .annotate(
            opened_minor=_sum(opened),
            adjusted_minor=_sum(adjusted),
            written_off_minor=_sum(written_off),
            # The rest was paid: with purchases and without, at the bank, by a settlement.
            collected_minor=_sum(~(opened | adjusted | written_off)),
        )
    )
    moved = {currency: tuple(map(int, sums)) for currency, *sums in rows}
    return [
        Movements(currency, before.get(currency, 0), *moved.get(currency, (0, 0, 0, 0)))
        for currency in sorted(before.keys() | moved.keys())
    ]


def _sum(of: Q) -> Sum:
    return Sum("amount_minor", filter=of, default=0)


def _counts_months(debt: Debt) -> bool:
    return debt.method == Debt.Method.PER_MONTH or debt.cap_per_month_minor is not None


def _collected_this_month(debts: list[Debt], at: datetime) -> dict[str, int]:
    """Return by account what sales of the local month so far collected and still stand for."""
    if not debts:
        return {}
    month = timezone.localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    receipt = Substr(OuterRef("entry__reference"), len(SALE) + 2)
    reversed_ones = Entry.objects.filter(reference=Concat(Value(f"{REVERSAL}:"), receipt))
    rows = (
        Line.objects.filter(
            account__code__in=[debt.account for debt in debts],
            entry__at__gte=month,
            entry__reference__startswith=f"{SALE}:",
        )
        .exclude(Exists(reversed_ones))
        .order_by()
        .values_list("account__code")
        .annotate(total=Sum("amount_minor"))
    )
    return {code: -int(total) for code, total in rows}
