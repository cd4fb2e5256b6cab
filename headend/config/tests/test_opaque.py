"""Row numbers in addresses: one text for each row of each kind, and back, without their order."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from headend.config.ids import DebtId
from headend.config.opaque import WrongKind, asked, decode, encode, id_of

CUSTOMER, DEBT = "customers.customer", "debts.debt"


@given(st.integers(min_value=0, max_value=(1 << 40) - 1))
def test_a_number_comes_back(number):
    assert decode(CUSTOMER, encode(CUSTOMER, number)) == number


@pytest.mark.parametrize("number", [-1, 1 << 40])
def test_what_is_no_row_number_is_not_shown(number):
    with pytest.raises(ValueError, match="no row number"):
        encode(CUSTOMER, number)


def test_successive_numbers_have_nothing_in_common():
    texts = [encode(CUSTOMER, number) for number in range(1, 101)]
    assert len(set(texts)) == 100
    assert texts != sorted(texts)
    assert all(len(text) == 13 for text in texts)


def test_rows_of_two_kinds_and_one_number_have_nothing_in_common():
    customer, debt = encode(CUSTOMER, 1), encode(DEBT, 1)
    assert sum(one == other for one, other in zip(customer, debt, strict=True)) < 6


def test_another_installation_has_other_addresses(settings):
    before = encode(CUSTOMER, 1)
    settings.SECRET_KEY = "another"
    assert encode(CUSTOMER, 1) != before


def test_an_installation_keeps_its_addresses(settings):
    settings.SECRET_KEY = "as it was"
    assert encode(CUSTOMER, 1) == "a9hkvr2e9k2st"
    assert encode(DEBT, 123_456_789) == "2waba7vbd9tw4"


def test_an_id_of_another_kind_is_told_apart_and_named():
    with pytest.raises(WrongKind, match="another thing: debt, not customer"):
        decode(CUSTOMER, encode(DEBT, 7))


def test_no_two_kinds_of_rows_are_taken_for_one_another():
    kinds = [model._meta.label_lower for model in apps.get_models()]
    for kind in kinds:
        for other in kinds:
            if other != kind:
                with pytest.raises(WrongKind):
                    decode(kind, encode(other, 1))


def test_a_kind_that_there_is_not_is_a_mistake_of_ours():
    with pytest.raises(LookupError):
        encode("customers.costumer", 1)


def test_a_row_knows_its_kind():
    assert id_of(Group(pk=3)) == encode("auth.group", 3)


@pytest.mark.parametrize("text", ["", "1", "0" * 12, "0" * 14, "u" * 13, "z" * 13, "é" * 13])
def test_what_stands_for_no_row_is_refused(text):
    with pytest.raises(ValueError, match="not an id"):
        decode(CUSTOMER, text)


@pytest.mark.parametrize("text", [None, "", "12", encode(DEBT, 12)])
def test_a_query_that_stands_for_no_such_row_asks_for_none(text):
    assert asked(CUSTOMER, text) is None


def test_a_query_asks_for_a_row():
    assert asked(CUSTOMER, encode(CUSTOMER, 12)) == 12


def test_a_field_shows_the_id_of_a_row_number_and_nothing_else():
    told = TypeAdapter(DebtId).validate_python
    assert told(7) == told(encode(DEBT, 7)) == encode(DEBT, 7)
    with pytest.raises(ValueError, match="pattern"):
        told("7")


def test_no_page_has_a_row_number_in_its_address():
    pages = [one for one in _addresses(get_resolver()) if not one[0].startswith("api/")]
    counted = [
        route
        for route, converters in pages
        if any(isinstance(one, IntConverter) for one in converters)
    ]
    assert len(pages) > 100
    assert counted == []


def _addresses(resolver, before=""):
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route, list(one.pattern.converters.values())
        elif isinstance(one, URLResolver):
            yield from _addresses(one, route)
