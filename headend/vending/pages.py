"""Reads for the pages about sales: the list with its filters, and how far each token has come."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from headend.accounts.models import User
from headend.customers.search import among_supplies, few_ids
from headend.design import words
from headend.fleet import wording
from headend.fleet.delivery import FINISHED, UNFINISHED
from headend.fleet.models import Command
from headend.meters.models import Meter
from headend.vending import disclosure
from headend.vending.models import IssuedToken, Reallocation, Sale, TokenDelivery
from headend.vendors.queries import of_own_vendor

# Filters on delivery: name in the address -> title and condition on the latest command's state.
DELIVERIES: dict[str, tuple[str, Q]] = {
    "not sent": ("Not sent to the meter", Q(delivery_state=None)),
    "under way": ("Under way", Q(delivery_state__in=sorted(UNFINISHED))),
    "accepted": ("Accepted by the meter", Q(delivery_state="accepted")),
    "failed": ("Not accepted", Q(delivery_state__in=sorted(FINISHED - {"accepted"}))),
}


# Sales for which money came in: of what was moved, only what a reversed sale had brought.
RECEIVED = Q(reallocated_from=None) | Q(reallocated_from__bearer=Reallocation.Bearer.NOBODY)


@dataclass(frozen=True)
class Totals:
    """What the sales of a list add up to."""

    count: int
    tender_minor: int
    issued_wh: int
    reversed: int  # how many more were reversed, and count for nothing
    others: tuple[tuple[str, int], ...]  # what of it was paid in other currencies, in theirs


def sales(
    *,
    text: str = "",
    first_day: date | None = None,
    last_day: date | None = None,
    delivery: str = "",
    operator_id: int | None = None,
    seen_by: User,
) -> QuerySet[Sale]:
    """Return sales, newest first, each with `delivery_state` of its latest command.

    Args:
        seen_by: who looks; a vendor's people see that vendor's sales only.
        text: receipt number, token, meter number, customer, address or phone; empty: all.
        first_day: from this local day on.
        last_day: up to and including this local day.
        delivery: a name of DELIVERIES; anything else: all.
        operator_id: only those of one user.
    """
    latest = Command.objects.filter(delivers__token__sale=OuterRef("pk")).order_by("-pk")
    found: QuerySet[Sale] = Sale.objects.select_related(
        "meter",
        "operator",
        "vendor",
        "agreement__customer",
        "agreement__premises",
        "reversal",
        "exchange_rate",
    ).annotate(delivery_state=Subquery(latest.values("state")[:1]))
    found = of_own_vendor(found, seen_by)
    if text.strip():
        found = found.filter(_matching(text))
    if first_day:
        found = found.filter(created_at__gte=_midnight(first_day))
    if last_day:
        found = found.filter(created_at__lt=_midnight(last_day + timedelta(days=1)))
    if delivery in DELIVERIES:
        found = found.filter(DELIVERIES[delivery][1])
    if operator_id is not None:
        found = found.filter(operator=operator_id)
    return found.order_by("-created_at", "-pk")


def totals(found: QuerySet[Sale]) -> Totals:
    """Add up the sales of a list in the base currency, and what was paid in others."""
    stands = Q(reversal=None)
    sums = found.order_by().aggregate(
        count=Count("pk", filter=stands),
        tender=Sum("tender_minor", filter=stands & RECEIVED),
        issued=Sum("issued_wh", filter=stands),
        reversed=Count("reversal"),
    )
    others = (
        found.filter(stands, exchange_rate__isnull=False)
        .order_by()
        .values_list("exchange_rate__currency")
        .annotate(paid=Sum("paid_minor"))
    )
    return Totals(
        sums["count"],
        sums["tender"] or 0,
        sums["issued"] or 0,
        sums["reversed"],
        tuple(sorted(others)),
    )


def sale_numbered(receipt_number: str, *, seen_by: User) -> QuerySet[Sale]:
    """The sale of a receipt number with everything its receipt needs, if they may see it."""
    return (
        of_own_vendor(Sale.objects.filter(receipt_number=receipt_number), seen_by)
        .select_related(
            "meter",
            "operator",
            "exchange_rate",
            "agreement__customer",
            "agreement__premises",
            "agreement__tariff",
            "hold",
            "disclosure",
            "reversal__reversed_by",
            "reallocation__new_sale__meter",
            "reallocated_from__sale",
        )
        .prefetch_related(
            "lines",
            Prefetch(
                "tokens", IssuedToken.objects.select_related("free_grant").order_by("position")
            ),
        )
    )


@dataclass(frozen=True)
class Delivery:
    """How far one token has come on its way to the meter; `command` is None if never sent."""

    token: IssuedToken
    command: Command | None
    sentence: str
    answer: str
    under_way: bool
    may_send: bool


def deliveries(sale: Sale) -> list[Delivery]:
    """How far each token of a sale that may be shown has come, in order of entry."""
    latest = {
        one.token_id: one.command
        for one in TokenDelivery.objects.filter(token__sale=sale)
        .select_related("command")
        .order_by("pk")
    }
    shown = [token for token in sale.tokens.all() if disclosure.digits_of(token) is not None]
    return [_delivery(token, latest.get(token.pk)) for token in shown]


def _delivery(token: IssuedToken, command: Command | None) -> Delivery:
    if command is None:
        return Delivery(token, None, "Not sent: the customer types the token.", "", False, True)
    under_way = command.state in UNFINISHED
    return Delivery(
        token=token,
        command=command,
        sentence=words.delivery(command.state),
        answer=wording.answer_of(command),
        under_way=under_way,
        may_send=not under_way and command.state != "accepted",
    )


def _matching(text: str) -> Q:
    wanted = Q(receipt_number__startswith=text.strip().upper())
    wanted |= among_supplies(text, column="agreement", of="pk")
    digits = re.sub(r"[\s\-]", "", text)
    if re.fullmatch(r"[0-9]+", digits, re.ASCII):
        few = few_ids([Meter.objects.filter(drn__startswith=digits)])
        wanted |= Q(meter__drn__startswith=digits) if few is None else Q(meter__in=few)
        if len(digits) == 20:
            tokens = IssuedToken.objects.filter(digits=digits, sale__isnull=False)
            wanted |= Q(pk__in=set(tokens.values_list("sale", flat=True)))
    return wanted


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
