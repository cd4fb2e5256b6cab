"""Filters and tags that pages use to show figures, times and badges: ``{% load display %}``."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.db.models import Model
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from headend.config import iso4217
from headend.config import opaque as opaque_ids
from headend.design import figures, words

register = template.Library()


@register.filter
def kwh(energy_wh: int | None) -> str:
    """Energy in kWh with one decimal; a dash when it is not known."""
    return "–" if energy_wh is None else figures.kwh(energy_wh)


@register.filter
def exact_kwh(energy_wh: int | None) -> str:
    """Energy in kWh with all its decimals; a dash when it is not known."""
    return "–" if energy_wh is None else figures.exact_kwh(energy_wh)


@register.filter
def money(amount_minor: int | None, currency: str | None = None) -> str:
    """Money with the currency's sign and decimals; a dash when it is not known."""
    if amount_minor is None:
        return "–"
    return figures.money(amount_minor, currency=currency or settings.BASE_CURRENCY)


@register.filter
def without_sign(amount_minor: int) -> int:
    """An amount whose sign a word beside it says, such as "short"."""
    return abs(amount_minor)


@register.filter
def amount(amount_minor: int | None, currency: str | None = None) -> str:
    """Money as a person would type it: no sign, no grouping."""
    if amount_minor is None:
        return ""
    digits = iso4217.decimals(currency or settings.BASE_CURRENCY)
    return figures.decimal(amount_minor, digits=digits, grouped=False)


@register.simple_tag
def currency_sign() -> str:
    """The sign or code of the utility's currency."""
    return figures.CURRENCY_SIGNS.get(settings.BASE_CURRENCY, settings.BASE_CURRENCY)


@register.filter
def groups(digits: str) -> SafeString:
    """A token in groups of four, each in its own element so that lines break between groups."""
    return format_html_join(
        " ", "<span>{}</span>", ((group,) for group in figures.token_groups(digits))
    )


@register.filter
def spaced(digits: str) -> str:
    """A token in groups of four, as text."""
    return " ".join(figures.token_groups(digits))


@register.filter
def ago(then: datetime | None) -> SafeString | str:
    """A time as an age in words, with the local time and its zone on hover."""
    if then is None:
        return "never"
    local = timezone.localtime(then)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        then.isoformat(timespec="seconds"),
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        figures.age(then, timezone.now()),
    )


@register.filter
def when(then: datetime | None, form: str = "%Y-%m-%d %H:%M") -> SafeString | str:
    """A local time, with its zone on hover."""
    if then is None:
        return "–"
    local = timezone.localtime(then)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        then.isoformat(timespec="seconds"),
        local.strftime("%Y-%m-%d %H:%M:%S %Z (UTC%z)"),
        local.strftime(form),
    )


@register.simple_tag
def badge(word: str | None, label: str | None = None) -> SafeString:
    """A state as a word with a sign and a tone.

    Args:
        word: the state as the code calls it, such as ``accepted`` or ``open``.
        label: what to show instead of the word.
    """
    if not word:
        return format_html('<span class="badge calm">{}</span>', label or "unknown")
    return format_html('<span class="badge {}">{}</span>', words.tone(word), label or word)


@register.filter
def act(name: str) -> str:
    """A recorded act in words."""
    return words.act(name)


@register.filter
def language(code: str) -> str:
    """The name of a language."""
    return words.language(code)


@register.filter
def code(name: str) -> SafeString:
    """A code such as ``customers.open_agreement``, which breaks between its words if it must."""
    parts = re.split(r"(?<=[._-])", name)
    broken = format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))
    return format_html("<code>{}</code>", broken)


@register.filter
def tone(word: str) -> str:
    """The tone of a state, as a class name."""
    return words.tone(word)


@register.simple_tag(takes_context=True)
def here(context: dict[str, Any], *sections: str) -> SafeString | str:
    """Mark a navigation link as the current one if the page belongs to one of these sections."""
    return SafeString(' aria-current="page"') if context.get("section") in sections else ""


@register.simple_tag(takes_context=True)
def with_page(context: dict[str, Any], number: int) -> str:
    """The address of another page of this list, with its search and filters kept."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"


@register.filter
def opaque(row: Model) -> str:
    """What stands for a row in addresses."""
    return opaque_ids.id_of(row)


@register.filter
def percent(share: Decimal) -> str:
    """Show a percentage with the decimals that say something: 2.5 of 2.500, 3 of 3.000."""
    return f"{share.normalize():f}"


@register.filter
def change(tenths_of_percent: int) -> str:
    """A change in percent, with its sign: ``+21.7 %``."""
    return f"{tenths_of_percent / 10:+.1f}\u00a0%".replace("-", "−")


@register.filter
def tenths(units: int) -> str:
    """A token's units of 0.1 kWh, in kWh."""
    return figures.kwh(units * 100)
