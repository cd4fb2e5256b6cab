"""Example bodies and parameters for the published description."""

from __future__ import annotations

from typing import Any

_ID = "0eeptk95tsd5m"
_FIRST_PART = 3  # of a path, behind /api/v1/

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
# Parameters by name, or by the first part of the path and name; other ids are like any.
_PARAMETERS: dict[str, Any] = {
    "address": "12 Acacia Street, Riverside",
    "closings.number": "C261121-72FB9JMV",
    "command_id": "6f1c2f6e-3a52-4d0e-9d3c-0d7d8f0c2b11",
    "currencies.code": "USD",
    "exports.since": "2026-11-01",
    "exports.until": "2026-11-30",
    "external_reference": "INV-2026-0042",
    "message_id": "till-7-000123",
    "meter": "04100000019",
    "number": "04100000019",
    "q": "Thandi",
    "receipt_number": "261121-Y5WSB-Y5G07",
    "reference": "EFT 77",
    "replacements.number": "R261121-9JMV72FB",
    "since": "2026-11-21T00:00:00+02:00",
    "tariffs.code": "domestic-flat",
    "until": "2026-11-22T00:00:00+02:00",
}

# Fields that an example has though a body may do without.
_ALSO = {"TrialVendIn": ("tender_minor",)}


def add_examples(schema: dict[str, Any]) -> None:
    """Give each body and parameter of an OpenAPI description that programs choose an example.

    Args:
        schema: the whole description; changed in place.
    """
    schemas = schema["components"]["schemas"]
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                _add_parameter(parameter, within=path.split("/")[_FIRST_PART])
            content = operation.get("requestBody", {}).get("content", {})
            for media in content.values():
                name = media["schema"]["$ref"].rpartition("/")[2]
                media["example"] = _example(name, schemas[name])


def _add_parameter(parameter: dict[str, Any], *, within: str) -> None:
    """Give a parameter an example, if there is one; what has a fixed choice needs none."""
    name = parameter["name"]
    usual = _PARAMETERS.get(name, _ID if name.endswith("_id") else None)
    example = _PARAMETERS.get(f"{within}.{name}", usual)
    if example is not None:
        parameter["example"] = example


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
