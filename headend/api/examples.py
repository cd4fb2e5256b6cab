"""An example of every body that is sent, for the published description."""

from __future__ import annotations

from typing import Any

_ID = "0eeptk95tsd5m"

# By schema and field, or by field alone; a field with a fixed choice needs none.
_FIELDS: dict[str, Any] = {
    "address": "12 Acacia Street, Riverside",
    "amount_minor": 15_000,
    "base_units": "18.2537",
    "changes": {"krn": 2},
    "columns": ["reference", "name", "phone"],
    "credit_wh": 12_500,
    "customer_id": _ID,
    "dry_run": True,
    "energy_wh": 3_480_000,
    "EngineeringTokenIn.kind": "clear-tamper",
    "kinds": ["sale.made", "debt.paid_off"],
    "low_below_minor": 500_000,
    "message_id": "till-7-000123",
    "meter": "04100000019",
    "meters": {"sgc": "123456", "krn": 1},
    "name": "Thandi Mokoena",
    "CampaignIn.name": "key revision 2, Riverside",
    "WebhookIn.name": "CRM",
    "new_meter": "04100000027",
    "number": "04100000019",
    "paid_minor": 970_000,
    "paid_on": "2026-11-20",
    "payment_reference": "EFT 77",
    "reason": "the customer asked for it",
    "reference": "EFT 77",
    "rows": [["C-1001", "Thandi Mokoena", "+27 82 555 0101"]],
    "sgc": "123456",
    "tariff": "domestic-flat",
    "tender_minor": 5_000,
    "title": "Reconnection",
    "token": "39361708668698182253",
    "token_id": _ID,
    "url": "https://crm.example/hook",
}
# Fields that an example has though a body may do without.
_ALSO = {"TrialVendIn": ("tender_minor",)}


def add_examples(schema: dict[str, Any]) -> None:
    """Give each body of an OpenAPI description that operations take an example.

    Args:
        schema: the whole description; changed in place.
    """
    schemas = schema["components"]["schemas"]
    for operations in schema["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            for media in content.values():
                name = media["schema"]["$ref"].rpartition("/")[2]
                media["example"] = _example(name, schemas[name])


def _example(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return an example of what a body must have."""
    return {
        field: _FIELDS.get(f"{name}.{field}", _FIELDS.get(field, _first(described)))
        for field, described in schema["properties"].items()
        if field in (*schema.get("required", ()), *_ALSO.get(name, ()))
    }


def _first(described: dict[str, Any]) -> Any:
    """Return the first of the choices that a field has."""
    return described.get("enum", [None])[0]
