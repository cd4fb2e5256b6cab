"""Answers well-formed vends directly, without the work that the framework does for every request.

Anything else (another method, a parameter, a malformed body, a header without a key) is left to
the framework, which says what is wrong. A refusal is answered just as the framework would.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple, get_type_hints

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from pydantic import BaseModel, ValidationError

from headend.api import vend
from headend.api.keys import prefix_of
from headend.api.service import PATH, api
from headend.config import prepared, statements, terms

_ON_KEPT_TERMS = 2  # attempts; whoever meets a change of the terms twice reads them all
_BY_LENGTH = {
    11: statements.METER_BY_DRN,
    13: statements.METER_BY_DRN,
    18: statements.METER_BY_PAN,
}


class _Operation(NamedTuple):
    """An operation whose only input is its body: how that is read, and what is done."""

    body: type[BaseModel]
    key_of: Callable[[HttpRequest], Any]
    act: Callable[[Any, Any], HttpResponse]


def answer(request: HttpRequest) -> HttpResponse | None:
    """Answer a request; return None if the framework has to."""
    operation = _OPERATIONS.get(request.path_info)
    if operation is None or request.method != "POST" or request.GET:
        return None
    try:
        body = operation.body.model_validate_json(request.body)
    except (ValidationError, RequestDataTooBig, UnreadablePostError):
        return None
    for attempt in range(_ON_KEPT_TERMS + 1):
        try:
            with ExitStack() as stack:
                if attempt < _ON_KEPT_TERMS:
                    stack.enter_context(terms.relied_on(prepared.Ask(statements.EDITION, ())))
                return _answer(request, operation, body)
        except terms.TermsChanged:
            continue
    return None


def _answer(request: Any, operation: _Operation, body: Any) -> HttpResponse | None:
    try:
        with prepared.ahead(*_asked_surely(request, body)):
            key = operation.key_of(request)
            if key is None:
                return None
            request.auth = key
            return operation.act(request, body)
    except terms.TermsChanged:
        raise
    except Exception as error:
        answered: HttpResponse = api.on_exception(request, error)
        return answered


def _asked_surely(request: HttpRequest, body: Any) -> list[tuple[Any, ...]]:
    """Return what is asked before anything else, so that it goes to the database together.

    Nothing is decided by it: whoever needs something else asks for it later. Some of it is never
    kept, so the terms are confirmed before the request counts against its key's limit.
    """
    prefix = prefix_of(request.headers.get("Authorization", "").removeprefix("Bearer "))
    if not prefix:
        return []
    return [(statements.KEY, prefix), _asked_of_meter(body.meter)]


def _asked_of_meter(number: str) -> tuple[Any, ...]:
    by_number = _BY_LENGTH.get(len(number))
    if by_number is None or not (number.isascii() and number.isdigit()):
        return (statements.EDITION,)
    return (by_number, number)


def _operation(path: str) -> _Operation:
    (found,) = vend.router.path_operations[path].operations
    (key_of,) = found.auth_callbacks
    return _Operation(get_type_hints(found.view_func)["body"], key_of, found.view_func)


_OPERATIONS = {f"{PATH}{path.strip('/')}": _operation(path) for path in ("/vend", "/vend/trial")}
