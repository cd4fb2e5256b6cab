"""Errors as RFC 9457 problem details: a stable code for programs, a sentence for people."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from headend.config.errors import Refusal

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
# By the refusal's code; what is not here is 422, or 404 if the code ends in _not_found.
_STATUS = {
    "not_authenticated": HTTPStatus.UNAUTHORIZED,
    "scope_missing": HTTPStatus.FORBIDDEN,
    "not_permitted": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "id_of_other_kind": HTTPStatus.NOT_FOUND,
    "message_conflict": HTTPStatus.CONFLICT,
    "too_many_requests": HTTPStatus.TOO_MANY_REQUESTS,
}
STATUSES = (400, 401, 403, 404, 409, 422, 429, 503)  # of problems; every operation may give them
_RETRY_SECONDS = "5"
_MINUTE_SECONDS = "60"


class Problem(Schema):
    """Why a request was not done. If `code` is `outcome_unknown`, ask again with the same id."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[dict[str, Any]] = []  # of a malformed request: where and what


def problem(
    status: int, code: str, detail: str, *, errors: list[dict[str, Any]] | None = None
) -> HttpResponse:
    """Return a problem as an answer."""
    facts: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors:
        facts["errors"] = errors
    response = HttpResponse(json.dumps(facts), status=status, content_type=CONTENT_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = _RETRY_SECONDS
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers["Retry-After"] = _MINUTE_SECONDS
    return response


def of_refusal(error: Refusal) -> HttpResponse:
    """Return the problem of a refusal."""
    usual = 404 if error.code.endswith("_not_found") else 422
    return problem(_STATUS.get(error.code, usual), error.code, str(error))


def handle(api: NinjaAPI) -> None:
    """Have every error of the API answered as a problem."""

    @api.exception_handler(Refusal)
    def refused(request: HttpRequest, error: Refusal) -> HttpResponse:
        return of_refusal(error)

    @api.exception_handler(AuthenticationError)
    def no_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, "not_authenticated", "send an API key as 'Authorization: Bearer KEY'")

    @api.exception_handler(ValidationError)
    def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = [
            {"where": _place(one["loc"]), "what": one["msg"].removeprefix("Value error, ")}
            for one in error.errors
        ]
        return problem(
            422, "request_invalid", "the request is not as the API describes it", errors=errors
        )

    @api.exception_handler(HttpError)
    def http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "request_unreadable", error.message)

    @api.exception_handler(RequestDataTooBig)
    def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return problem(
            400, "request_too_large", f"a request carries at most {limit} bytes; send it in parts"
        )

    @api.exception_handler(DatabaseError)
    def unknown(request: HttpRequest, error: DatabaseError) -> HttpResponse:
        log.exception("the database did not answer the API")
        return problem(
            503,
            "outcome_unknown",
            "whether it was done is not known; ask again with the same message id",
        )


def _place(location: Sequence[str | int]) -> str:
    """Return where in a request something is wrong: "body.tender_minor"."""
    where, *rest = (str(part) for part in location)
    if rest and rest[0] == where:  # the name of our function's argument
        del rest[0]
    return ".".join([where, *rest])
