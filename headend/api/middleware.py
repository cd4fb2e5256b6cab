"""Answers the API before sessions, cookies and the rest of what only pages need."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve

from headend.api import direct
from headend.api.problems import problem

_PREFIX = "/api/"
_URLS = "headend.api.urls"


@lru_cache(maxsize=256)
def _match(path: str) -> ResolverMatch:
    return resolve(path, urlconf=_URLS)


class ApiFirst:
    """Middleware to put first: an address under /api/ never gets past it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request; its keys come in a header, so no browser sends them unasked."""
        if not request.path_info.startswith(_PREFIX):
            return self._get_response(request)
        response = self._answer(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Length"] = str(len(response.content))
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            answered = direct.answer(request)
            if answered is not None:
                return answered
            match = _match(request.path_info)
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except (Resolver404, Http404):
            return problem(404, "address_unknown", "the API has no such address")
        if response.status_code == 405:
            answer = problem(405, "method_unknown", "the address does not know this method")
            answer.headers["Allow"] = response.headers["Allow"]
            return answer
        return response
