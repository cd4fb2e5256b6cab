"""Row numbers in addresses: one text each, and back, without telling their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headend.config.opaque import decode, encode


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
