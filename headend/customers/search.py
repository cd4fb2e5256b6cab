"""Finds the customer whom a person at the counter means: by name, address, phone or meter."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Replace

from headend.customers.models import Customer, SupplyAgreement
from headend.customers.queries import agreements_in_force

LEAST_DIGITS_OF_A_PHONE = 4
MOST_CANDIDATES = 1000  # agreements or customers with one of the words that are looked through


def find_supplies(text: str) -> QuerySet[SupplyAgreement]:
    """Return the agreements in force that a text may mean, by customer name.

    Each word must be found in the customer's name or email, the address or the meter number; a
    number may also be part of a phone number, written in any way and with or without the country.

    Args:
        text: what was typed; digits may be grouped by spaces or hyphens. Empty: everybody.

    Returns:
        Agreements with customer, premises, meter and tariff loaded.
    """
    return _supplies(text)[0]


def among_supplies(text: str, *, column: str, of: str) -> Q:
    """Return the condition that a row belongs to an agreement that a text may mean.

    Args:
        text: as in `find_supplies`.
        column: of the row, for example "pk" of a meter.
        of: what of an agreement it is compared with, for example "meter".
    """
    found, is_few = _supplies(text)
    if is_few:
        return Q(**{f"{column}__in": set(found.order_by().values_list(of, flat=True))})
    return Q(Exists(found.order_by().filter(**{of: OuterRef(column)})))


def find_customers(text: str) -> QuerySet[Customer]:
    """Return the customers that a text may mean, by name, with their running agreements.

    Args:
        text: as in `find_supplies`; customers without an agreement are found by name, email or
            phone.

    Returns:
        Customers with `running`: their agreements in force with premises, meter and tariff.
    """
    running = Prefetch("agreements", queryset=agreements_in_force(), to_attr="running")
    customers = Customer.objects.prefetch_related(running)
    if text.strip():
        named, few = _named(text), _few_customers(text)
        if few is not None:
            named &= Q(pk__in=few)
        customers = customers.filter(among_supplies(text, column="pk", of="customer") | named)
    return customers.order_by("name", "pk")


def few_ids(parts: list[QuerySet[Any]]) -> set[int] | None:
    """Return the ids of all rows of some queries, or None if there are many."""
    ids: set[int] = set()
    for part in parts:
        ids.update(part.order_by().values_list("pk", flat=True)[: MOST_CANDIDATES + 1])
        if len(ids) > MOST_CANDIDATES:
            return None
    return ids


def _supplies(text: str) -> tuple[QuerySet[SupplyAgreement], bool]:
    """Return what `find_supplies` does, and whether it is told by ids because few can match.

    The condition spans several tables, and no index serves it; each part of it alone has one.
    So the rarest word is looked up first, part by part. If every word is a very common one, there
    is no need: going through customers by name soon finds enough.
    """
    found = (
        agreements_in_force().filter(_matching(text)).order_by("customer__name", "customer", "pk")
    )
    few = _few_supplies(text)
    return (found, False) if few is None else (found.filter(pk__in=few), True)


def _few_supplies(text: str) -> set[int] | None:
    every, number = SupplyAgreement.objects, number_in(text)
    by_number = [every.filter(meter__pan=number)] if number else []
    by_number += [every.filter(meter__drn__startswith=number)] if number else []
    if len(number) >= LEAST_DIGITS_OF_A_PHONE:
        by_number.append(every.filter(customer__in=_with_phone(number)))
    return _few_with_any(
        text,
        lambda word: [
            every.filter(customer__in=Customer.objects.filter(_named_with(word))),
            every.filter(premises__address__icontains=word),
            every.filter(meter__drn__startswith=word),
        ],
        besides=by_number,
    )


def _few_customers(text: str) -> set[int] | None:
    number = number_in(text)
    return _few_with_any(
        text,
        lambda word: [Customer.objects.filter(_named_with(word))],
        besides=[_with_phone(number)] if len(number) >= LEAST_DIGITS_OF_A_PHONE else [],
    )


def _few_with_any(
    text: str,
    with_word: Callable[[str], list[QuerySet[Any]]],
    *,
    besides: list[QuerySet[Any]],
) -> set[int] | None:
    """Return the ids of whatever has one of the words, or is found besides; None if it is much."""
    others = few_ids(besides)
    if others is None:
        return None
    for word in sorted(text.split(), key=len, reverse=True):
        few = few_ids(with_word(word))
        if few is not None:
            return few | others
    return None


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
    wanted = Q()
    for word in text.split():
        wanted &= _named_with(word)
    number = number_in(text)
    if len(number) >= LEAST_DIGITS_OF_A_PHONE:
        wanted |= Q(pk__in=_with_phone(number))
    return wanted


def _named_with(word: str) -> Q:
    return Q(name__icontains=word) | Q(email__icontains=word)


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
