"""Who asks: the key of a request, checked for the operation's scope, and lists cut by a cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from inspect import signature
from typing import Annotated, Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Schema
from ninja.errors import ValidationError
from ninja.responses import NinjaJSONEncoder
from ninja.security import HttpBearer
from pydantic import StringConstraints

from headend.api import keys
from headend.api.errors import ObjectNotFound, ScopeMissing
from headend.api.models import ApiKey
from headend.api.problems import STATUSES, Problem
from headend.api.scopes import UTILITYS
from headend.api.utility import require_utility
from headend.config import opaque

Cursor = Annotated[
    str | None,
    Query(description="`next` of the page before"),
    StringConstraints(pattern=r"^[a-z0-9]{1,40}$"),
]
Limit = Annotated[int, Query(ge=1, le=200)]
Row = TypeVar("Row", bound=Model)
_ENCODER = NinjaJSONEncoder()


class KeyRequest(HttpRequest):
    """A request that `Key` let in; it names the type only and is never instantiated."""

    auth: ApiKey


class Key(HttpBearer):
    """Lets a request in by an API key that has the scope.

    Args:
        scope: what the key must be good for, a name of headend.api.scopes.
    """

    openapi_description = "An API key, created on the page 'API keys'."

    def __init__(self, scope: str) -> None:
        super().__init__()
        self._scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey:
        """Return the key that the request brought.

        Raises:
            Refusal: there is no such key, or it is not good for this.
        """
        key = keys.recognise(token, at=timezone.now())
        if self._scope not in key.scopes:
            raise ScopeMissing(
                f"this key is not good for {self._scope}; create one that has this scope"
            )
        if self._scope in UTILITYS:
            require_utility(key)
        return key


def needs(scope: str, schema: Any) -> dict[str, Any]:
    """Return what an operation is declared with.

    Args:
        scope: what the caller's key must be good for.
        schema: of its answer when it is done; besides, it may answer any problem.
    """
    return {
        "auth": Key(scope),
        "response": {200: schema, frozenset(STATUSES): Problem},
        "openapi_extra": {"x-scope": scope},
    }


def known_parameters_only(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Have an operation refuse what its address asks beyond its description.

    A filter with a mistyped name would otherwise be ignored, and the answer be of everything.

    Args:
        operation: the function that carries it out.
    """
    parameters = frozenset(signature(operation).parameters)

    @wraps(operation)
    def carried_out(request: HttpRequest, *args: Any, **values: Any) -> Any:
        unknown = [name for name in request.GET if name not in parameters]
        if unknown:
            raise ValidationError(
                [{"loc": ("query", name), "msg": "there is no such parameter"} for name in unknown]
            )
        return operation(request, *args, **values)

    return carried_out


def answered(schema: type[Schema], facts: Mapping[str, Any]) -> HttpResponse:
    """Answer with facts that already fit their schema; tests make sure of that.

    Checking each answer of a vend costs as much as reading the request.

    Args:
        schema: what the operation is declared to answer; it has the order.
        facts: by the names of its fields, ready for JSON.
    """
    body = _ENCODER.encode({name: facts[name] for name in schema.model_fields})
    return HttpResponse(body, content_type="application/json; charset=utf-8")


def one_found(found: QuerySet[Row], *, otherwise: str) -> Row:
    """Return the one object that was asked for.

    Args:
        found: it, or nothing.
        otherwise: what is said if there is none.

    Raises:
        ObjectNotFound: there is none.
    """
    one = found.first()
    if one is None:
        raise ObjectNotFound(otherwise)
    return one


def between(
    found: QuerySet[Any], field: str, since: datetime | None, until: datetime | None
) -> QuerySet[Any]:
    """Narrow objects to those whose time is at or after an instant, and before another."""
    if since is not None:
        found = found.filter(**{f"{field}__gte": since})
    if until is not None:
        found = found.filter(**{f"{field}__lt": until})
    return found


def page(
    found: QuerySet[Any],
    *,
    cursor: str | None,
    limit: int,
    give: Callable[[Any], dict[str, Any]],
    by: str = "pk",
) -> dict[str, Any]:
    """Return some objects, the newest first, and the cursor of those after them.

    Args:
        found: what there is, in any order.
        cursor: of the page before; None for the newest.
        limit: how many at most.
        give: makes of an object what is answered.
        by: the field that says which is the newest; of two alike it is the last entered.

    Raises:
        ObjectNotFound: the cursor is none that was given out for this list.
    """
    if cursor is not None:
        found = found.filter(_after(_position(cursor, found.model), found, by))
    objects = list(found.order_by(f"-{by}", "-pk")[: limit + 1])
    has_more = len(objects) > limit
    objects = objects[:limit]
    return {
        "items": [give(one) for one in objects],
        "next": opaque.id_of(objects[-1]) if has_more else None,
    }


def _after(position: int, found: QuerySet[Any], by: str) -> Q:
    """Return the condition for objects that come after the one at a position."""
    if by == "pk":
        return Q(pk__lt=position)
    last = found.filter(pk=position).values_list(by, flat=True).first()
    if last is None:
        raise ObjectNotFound("what that cursor stands for is not kept any more; begin anew")
    return Q(**{f"{by}__lte": last}) & (Q(**{f"{by}__lt": last}) | Q(pk__lt=position))


def _position(cursor: str, model: type[Model]) -> int:
    try:
        return opaque.decode(model._meta.label_lower, cursor)
    except ValueError:
        raise ObjectNotFound(
            "that cursor was not given out for this list; take `next` of the page before"
        ) from None
