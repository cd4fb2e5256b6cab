"""Codes and names as pages show them."""

from headend.design import words
from headend.design.templatetags import display


def test_an_act_is_called_by_its_verb():
    assert words.act("customers.open_agreement") == "Open agreement"
    assert words.act("vending.vend") == "Vend"


def test_a_code_breaks_between_its_words_only():
    assert display.code("a.b_c") == "<code>a.<wbr>b_<wbr>c</code>"
    assert display.code("<b>") == "<code>&lt;b&gt;</code>"


def test_a_language_has_a_name():
    assert display.language("en") == "English"
    assert display.language("zu") == "isiZulu"
    assert display.language("qq") == "qq"
