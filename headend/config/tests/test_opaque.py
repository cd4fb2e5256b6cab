"""Row numbers in addresses: one text each, and back, without telling their order."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter
from hypothesis import given
from hypothesis import strategies as st

from headend.config.opaque import asked, decode, encode


@given(st.integers(min_value=0, max_value=(1 << 63) - 1))
def test_a_number_comes_back(number):
    assert decode(encode(number)) == number


def test_successive_numbers_have_nothing_in_common():
    texts = [encode(number) for number in range(1, 101)]
    assert len(set(texts)) == 100
    assert texts != sorted(texts)
    assert all(len(text) == 13 for text in texts)


def test_another_installation_has_other_addresses(settings):
    before = encode(1)
    settings.SECRET_KEY = "another"
    assert encode(1) != before


@pytest.mark.parametrize("text", ["", "1", "0" * 12, "0" * 14, "u" * 13, "z" * 13, "é" * 13])
def test_what_stands_for_no_row_is_refused(text):
    with pytest.raises(ValueError, match="no address"):
        decode(text)


@pytest.mark.parametrize("text", [None, "", "12"])
def test_a_query_that_stands_for_no_row_asks_for_none(text):
    assert asked(text) is None


def test_a_query_asks_for_a_row():
    assert asked(encode(12)) == 12


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
