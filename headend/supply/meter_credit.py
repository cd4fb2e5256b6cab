"""Credit on a meter that is not the next customer's.

Nobody inherits credit by accident: not who moves in, nor who is given a meter that hung elsewhere
before. What is known of a meter's credit is the latest of what it told itself, what a person read
when it came down or its account was closed, and that it was cleared since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet, Sum

from headend.customers.models import SupplyAgreement
from headend.design.figures import kwh, moment
from headend.fleet.delivery import State
from headend.fleet.models import Command
from headend.fleet.queries import latest_state
from headend.meters.models import Meter
from headend.supply.errors import CreditLeft
from headend.supply.models import Closing, ModeSwitch, Replacement
from headend.vending.models import IssuedToken, OpeningUse
from headend.vending.unused import tokens_not_entered
from shared.sts.token import CLEAR_CREDIT, MANAGEMENT_CLASS
from shared.wire import commands

_CREDIT_CLASS, _WH_PER_UNIT = 0, 100


@dataclass(frozen=True)
class Known:
    """What is known of a meter's credit: how much, since when, and from what."""

    credit_wh: int
    at: datetime
    source: str


def require_none(meter: Meter, *, energy_wh: int, credit_wh: int) -> None:
    """Refuse a meter that shows credit, or holds some for all that is known.

    Args:
        meter: which will serve somebody who did not pay for it.
        energy_wh: the total that a person reads now; what was used since explains less credit.
        credit_wh: the credit that they read.

    Raises:
        CreditLeft: there is some.
    """
    if credit_wh:
        raise CreditLeft(
            f"meter {meter} shows {kwh(credit_wh)} kWh that are not the customer's; clear them"
        )
    known = max(_known(meter), key=lambda one: one.at, default=None)
    if known is None or not known.credit_wh:
        return
    state = latest_state(meter)
    told_wh = state.content.get("energy_wh") if state else None
    if told_wh is not None and 0 < known.credit_wh <= energy_wh - told_wh:
        return
    raise CreditLeft(
        f"meter {meter} holds {kwh(known.credit_wh)} kWh by {known.source} of "
        f"{moment(known.at)}; clear it by an engineering token first"
    )


def open_replacements(agreement: SupplyAgreement) -> QuerySet[Replacement]:
    """Return the replaced meters of an agreement whose credit is not known or not moved yet."""
    found = agreement.replacements.filter(transferred_at=None)
    return found.filter(Q(credit_wh=None) | ~Q(credit_wh=0)).order_by("pk")


def on_the_bill_wh(agreement: SupplyAgreement, meter: Meter, *, at: datetime) -> int:
    """Return how much of the credit that a meter shows was credited to a bill before.

    That is what went to the bill at switches of the payment mode, less what orders have taken
    off the meter since. It hangs there and is the customer's no more.

    Args:
        agreement: whose bill.
        meter: that serves it, or did.
        at: when the credit was read; what was taken off later is still in it.
    """
    switches = ModeSwitch.objects.filter(
        agreement=agreement, meter=meter, take_off__isnull=False, switched_at__lte=at
    ).select_related("take_off")
    ordered = [one.take_off for one in switches.order_by("pk") if one.take_off is not None]
    if not ordered:
        return 0
    moved = Replacement.objects.filter(transfer_command__meter=meter)
    done = Command.objects.filter(
        meter=meter,
        command=commands.ADJUST_CREDIT,
        state=State.ACCEPTED,
        pk__gte=ordered[0].pk,
        finished_at__lte=at,
    ).exclude(pk__in=moved.values("transfer_command"))
    return max(0, _taken_wh(ordered) - _taken_wh(done))


def to_move_wh(replacement: Replacement) -> int:
    """Return the credit of a replaced meter that is its customer's; 0 as long as not known."""
    if replacement.credit_wh is None or replacement.registers_at is None:
        return 0
    return replacement.credit_wh - on_the_bill_wh(
        replacement.agreement, replacement.old_meter, at=replacement.registers_at
    )


def explained_wh(meter: Meter) -> int | None:
    """Return the most credit that a meter may show by what it told and what was sold for it since.

    None: another system sold for it before, and it has told nothing here, so nobody can say.
    """
    tokens = IssuedToken.objects.filter(
        Q(sale__reversal=None) | Q(free_grant__isnull=False),
        meter=meter,
        token_class=_CREDIT_CLASS,
    )
    added = Command.objects.filter(
        meter=meter, command=commands.ADJUST_CREDIT, arguments__amount_wh__gt=0
    ).exclude(state__in=(State.REJECTED, State.CANCELLED))
    state = latest_state(meter)
    if state is None:
        served = Q(agreement__meter=meter) | Q(agreement__former_meters__meter=meter)
        if OpeningUse.objects.filter(served).exists():
            return None
        told_wh = 0
    else:
        told_wh = max(0, state.credit_wh)
        waiting = [one.pk for one in tokens_not_entered(meter, since=meter.registered_at)]
        tokens = tokens.filter(Q(pk__in=waiting) | Q(issued_at__gte=state.received_at))
        added = added.filter(Q(finished_at=None) | Q(finished_at__gte=state.received_at))
    units = tokens.aggregate(units=Sum("units"))["units"] or 0
    return told_wh + units * _WH_PER_UNIT + sum(order.arguments["amount_wh"] for order in added)


def typed_since_wh(meter: Meter, read_wh: int, *, at: datetime) -> int:
    """Return what a person read above what the meter told before: from tokens it told nothing of.

    Args:
        meter: which.
        read_wh: the credit that the person read.
        at: when.
    """
    state = latest_state(meter)
    if state is None or state.received_at > at:
        return 0
    return max(0, read_wh - state.credit_wh)


def free_share_wh(agreement: SupplyAgreement, credit_wh: int, *, typed_wh: int = 0) -> int:
    """Return how much of the credit that is left was given without a price.

    Energy counts as used in the order in which it was issued, so what is left is what was issued
    last; of what came with one purchase, the free energy first. Tokens that were not entered
    are not in the credit, as far as the meter tells.

    Args:
        agreement: whose credit.
        credit_wh: left; below zero there is nothing.
        typed_wh: so much of the tokens that the meter did not tell of is in the credit all the
            same, as `typed_since_wh` returns it.
    """
    meter = agreement.meter
    outside = set()
    if latest_state(meter) is not None:
        outside = {one.pk for one in tokens_not_entered(meter, since=agreement.started_at)}
    issued = (
        IssuedToken.objects.filter(
            Q(sale__agreement=agreement, sale__reversal=None) | Q(free_grant__agreement=agreement),
            token_class=_CREDIT_CLASS,
        )
        .select_related("free_grant")
        .order_by("-issued_at", F("free_grant").asc(nulls_first=True), "-pk")
    )
    left_wh, free_wh = credit_wh, 0
    for token in issued.iterator():
        if left_wh <= 0:
            break
        from_it_wh = min(left_wh, (token.units or 0) * _WH_PER_UNIT)
        if token.pk in outside:
            from_it_wh = min(from_it_wh, typed_wh)
            typed_wh -= from_it_wh
        left_wh -= from_it_wh
        if hasattr(token, "free_grant"):
            free_wh += from_it_wh
    return free_wh


def _taken_wh(orders: Iterable[Command]) -> int:
    """Return how much some adjustments of credit take off."""
    return sum(max(0, -one.arguments["amount_wh"]) for one in orders)


def _known(meter: Meter) -> Iterator[Known]:
    """Yield what is known; of two things at the same time the first counts."""
    cleared = IssuedToken.objects.filter(
        meter=meter, token_class=MANAGEMENT_CLASS, subclass=CLEAR_CREDIT
    ).order_by("-pk")
    for token in cleared[:1]:
        yield Known(0, token.issued_at, "a token that clears it")
    for closing in Closing.objects.filter(agreement__meter=meter, registers_at__isnull=False):
        if closing.cleared_at is not None:
            yield Known(0, closing.cleared_at, "its clearing")
        if closing.registers_at is not None:
            yield Known(closing.credit_wh or 0, closing.registers_at, f"closing {closing}")
    state = latest_state(meter)
    if state is not None:
        yield Known(state.credit_wh, state.received_at, "its own word")
    for one in Replacement.objects.filter(old_meter=meter, registers_at__isnull=False):
        if one.registers_at is not None:
            yield Known(one.credit_wh or 0, one.registers_at, f"replacement {one}")
