"""The rules by which supplies are settled."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.supply.errors import InvalidRule
from headend.supply.models import Rule

_TOLD = (
    "valuation",
    "price_minor_per_kwh",
    "premises_debts_settled",
    "refund_limit_minor",
    "mode_credit",
)


def rule_in_force(*, at: datetime) -> Rule:
    """Return the rule of an instant; until a utility decides, an unsaved one with the defaults.

    By default credit is worth what it cost in the last purchase, debts of premises stay with
    them, every refund needs a second person, and credit stays on a meter in post-payment.
    """
    found = Rule.objects.filter(valid_from__lte=at).order_by("-valid_from", "-pk").first()
    return found or Rule(valuation=Rule.Valuation.LAST_PURCHASE, valid_from=at)


@transaction.atomic
def set_rule(
    *,
    valuation: str,
    by: User,
    at: datetime,
    price_minor_per_kwh: Decimal | None = None,
    premises_debts_settled: bool = False,
    refund_limit_minor: int = 0,
    mode_credit: str = Rule.ModeCredit.KEPT,
) -> Rule:
    """Decide how supplies are settled from now on. What was settled stays as it is.

    Args:
        valuation: what a kWh left on a meter is worth, a value of Rule.Valuation.
        by: who decides; needs supply.add_rule.
        at: now.
        price_minor_per_kwh: of a fixed price, taxes included, >= 0.
        premises_debts_settled: debts of the premises are paid off too.
        refund_limit_minor: refunds above it need a second person, >= 0.
        mode_credit: what becomes of credit in post-payment, a value of Rule.ModeCredit.

    Raises:
        InvalidRule: a name that is none, or a fixed price without a price.
    """
    require(by, "supply.add_rule")
    is_fixed = valuation == Rule.Valuation.FIXED
    if valuation not in Rule.Valuation.values or mode_credit not in Rule.ModeCredit.values:
        raise InvalidRule(f"{valuation} or {mode_credit} is not a rule of settlement")
    if is_fixed and (price_minor_per_kwh is None or price_minor_per_kwh < 0):
        raise InvalidRule("a fixed price of a kWh is needed, 0 or more")
    if refund_limit_minor < 0:
        raise InvalidRule("the limit of refunds is 0 or more")
    before = rule_in_force(at=at)
    rule = Rule.objects.create(
        valuation=valuation,
        price_minor_per_kwh=price_minor_per_kwh if is_fixed else None,
        premises_debts_settled=premises_debts_settled,
        refund_limit_minor=refund_limit_minor,
        mode_credit=mode_credit,
        valid_from=at,
        set_by=by,
    )
    audit.record(
        actor=by,
        action="supply.set_rule",
        target=rule,
        at=at,
        before={name: getattr(before, name) for name in _TOLD},
        after={name: getattr(rule, name) for name in _TOLD},
    )
    return rule
