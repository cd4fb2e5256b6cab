"""What a browser sends of the editor, for tests."""

from __future__ import annotations

from typing import Any

from headend.tariffs import editor


def posted(stated: editor.Document) -> dict[str, Any]:
    """Return the fields of the cards of a document as a browser posts them."""
    stated = {"rounding": {}, "fee_recovery": {}} | stated
    sent: dict[str, Any] = {}
    fields = list(editor.policy(stated))
    for card in editor.cards(stated):
        sent[f"c-{card.index}-kind"] = card.kind
        fields += card.fields
    for field in fields:
        if field.widget == "check":
            if field.value:
                sent[field.name] = "on"
        elif field.widget == "names":
            sent[field.name] = [value for value, text in field.choices if text in field.value]
        elif field.widget == "steps":
            for index, (upto, rate) in enumerate(field.value):
                sent[f"{field.name}-{index}-upto"] = upto
                sent[f"{field.name}-{index}-rate"] = rate
        else:
            sent[field.name] = field.value
    return sent
