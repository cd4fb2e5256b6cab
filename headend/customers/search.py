"""Finds whom a person at a counter means: by name, address, phone or meter number."""

from __future__ import annotations

import re
from datetime import datetime

from django.db.models import F, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Replace

from headend.customers.models import Customer, SupplyAgreement
from headend.customers.queries import agreements_in_force

LEAST_DIGITS_OF_A_PHONE = 4


def find_supplies(text: str, *, at: datetime) -> QuerySet[SupplyAgreement]:
    """Return the agreements in force that a text may mean, by customer name.

    Each word must be found in the customer's name or email, the address or the meter number; a
    number may also be part of a phone number, written in any way and with or without the country.

    Args:
        text: what was typed; digits may be grouped by spaces or hyphens. Empty: everybody.
        at: agreements in force at this instant.

    Returns:
        Agreements with customer, premises, meter and tariff loaded.
    """
    return agreements_in_force().filter(_matching(text)).order_by("customer__name", "pk")


def find_customers(text: str, *, at: datetime) -> QuerySet[Customer]:
    """Return the customers that a text may mean, by name, with their running agreements.

    Args:
        text: as in `find_supplies`; customers without an agreement are found by name, email or
            phone.
        at: agreements in force at this instant.

    Returns:
        Customers with `running`: their agreements in force with premises, meter and tariff.
    """
    running = Prefetch("agreements", queryset=agreements_in_force(), to_attr="running")
    customers = Customer.objects.prefetch_related(running)
    if text.strip():
        through = find_supplies(text, at=at).values("customer").order_by()
        customers = customers.filter(Q(pk__in=through) | _named(text))
    return customers.order_by("name", "pk")


def _matching(text: str) -> Q:
    """The condition on agreements that `find_supplies` uses."""
    number = number_in(text)
    wanted = _each_word(
        text,
        "customer__name__icontains",
        "customer__email__icontains",
        "premises__address__icontains",
        "meter__drn__startswith",
    )
    if not number:
        return wanted
    wanted |= Q(meter__drn__startswith=number) | Q(meter__pan=number)
    if len(number) >= LEAST_DIGITS_OF_A_PHONE:
        wanted |= Q(customer__in=_with_phone(number))
    return wanted


def number_in(text: str) -> str:
    """The digits of a text that is a number and nothing else, however grouped; else empty."""
    number = re.sub(r"[\s\-()./+]", "", text)
    return number if number.isascii() and number.isdigit() else ""


def _named(text: str) -> Q:
    wanted = _each_word(text, "name__icontains", "email__icontains")
    number = number_in(text)
    if len(number) >= LEAST_DIGITS_OF_A_PHONE:
        wanted |= Q(pk__in=_with_phone(number))
    return wanted


def _with_phone(number: str) -> QuerySet:
    """Customers whose phone number has these digits, whatever stands between them there."""
    bare: F | Replace = F("phone")
    for sign in " -()./":
        bare = Replace(bare, Value(sign), Value(""))
    # 082 555 0101 and +27 82 555 0101 are one number: the trunk zero does not count.
    return Customer.objects.alias(bare=bare).filter(bare__contains=number.lstrip("0")).values("pk")


def _each_word(text: str, *lookups: str) -> Q:
    wanted = Q()
    for word in text.split():
        somewhere = Q()
        for lookup in lookups:
            somewhere |= Q(**{lookup: word})
        wanted &= somewhere
    return wanted
