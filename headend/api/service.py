"""The API itself: all operations, and the description that is published with them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI, Schema
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from headend.api import (
    approvals,
    bank,
    campaigns,
    currencies,
    debts,
    engineering,
    exchange,
    field,
    moves,
    orders,
    payments,
    problems,
    registers,
    reversal,
    supply,
    vend,
    vendors,
    webhooks,
)
from headend.api.examples import add_examples
from headend.api.requests import known_parameters_only
from headend.webhooks.kinds import KINDS, Kind

VERSION = "1"
PATH = "/api/v1/"
DESCRIPTION = """For programs of a utility and its partners: selling, registers, money, meters.

Every operation needs an API key: `Authorization: Bearer KEY`. Money is in minor units of the named
currency, energy in watt-hours. A request that changes something carries a `message_id` of the
caller's choice; repeated, it is carried out once and gets the same answer. Errors are problem
details (RFC 9457) with a stable `code`. A request has three outcomes: done; refused, with a code;
or unknown (`outcome_unknown`, or no answer): then send it again with the same message id."""


class _Api(NinjaAPI):
    """Publishes problems under their own content type."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the description of all operations."""
        schema = super().get_openapi_schema(
            path_prefix=path_prefix or PATH, path_params=path_params
        )
        for operations in schema["paths"].values():
            for operation in operations.values():
                for status, answer in operation["responses"].items():
                    if int(status) in problems.STATUSES:
                        content = answer.get("content", {})
                        answer["content"] = {
                            problems.CONTENT_TYPE: content.get("application/json", {})
                        }
                        answer["description"] = "Not done, and why."
        add_examples(schema)
        schema["webhooks"] = {name: _webhook(name, kind) for name, kind in KINDS.items()}
        return schema

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """Return what generated clients call an operation: "debts_open_debt"."""
        act = operation.view_func
        return f"{act.__module__.rpartition('.')[2]}_{act.__name__}"


def _webhook(name: str, kind: Kind) -> dict[str, Any]:
    """Describe what is sent to a subscriber of a kind of event."""
    told = {
        "type": "object",
        "required": ["id", "kind", "at", "data"],
        "properties": {
            "id": {"type": "string"},
            "kind": {"const": name},
            "at": {"type": "string", "format": "date-time"},
            "data": kind.body.model_json_schema(),
        },
    }
    return {
        "post": {
            "summary": kind.purpose,
            "requestBody": {"content": {"application/json": {"schema": told}}},
            "responses": {"2XX": {"description": "Taken; else it is sent again."}},
        }
    }


class Alive(Schema):
    """That the API answers."""

    version: str


api = _Api(
    title="OpenPrepay",
    version=VERSION,
    description=DESCRIPTION,
    docs_url=None,  # its page would load scripts from another host
    urls_namespace="api-1",
)
problems.handle(api)
api.add_decorator(known_parameters_only)
api.add_router("", vend.router)
api.add_router("", reversal.router)
api.add_router("", payments.router)
api.add_router("", registers.router)
for _router in (
    debts.router,
    vendors.router,
    approvals.router,
    engineering.router,
    exchange.router,
    supply.router,
    moves.router,
    campaigns.router,
    field.router,
    orders.router,
    bank.router,
    currencies.router,
    webhooks.router,
):
    api.add_router("", _router)


@api.get("/", response=Alive, tags=["about"])
def about(request: HttpRequest) -> dict[str, str]:
    """Report that the API is running; needs no key."""
    return {"version": VERSION}
