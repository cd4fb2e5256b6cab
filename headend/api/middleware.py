"""Answers the API before sessions, cookies and the rest of what only pages need."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from headend.api.problems import problem

_PREFIX = "/api/"
_URLS = "headend.api.urls"


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
            match = resolve(request.path_info, urlconf=_URLS)
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        except (Resolver404, Http404):
            return problem(404, "address_unknown", "the API has no such address")
        if response.status_code == 405:
            answer = problem(405, "method_unknown", "the address does not know this method")
            answer.headers["Allow"] = response.headers["Allow"]
            return answer
        return response
