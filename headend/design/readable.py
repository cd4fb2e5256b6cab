"""Refuses requests with a NUL character in the address or a form.

PostgreSQL stores none and ends the statement that names one; nobody can type it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

_NUL = "\0"


class ReadableOnly:
    """Middleware that answers 400 to such a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, if its address can be read."""
        if _NUL in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("NUL in an address")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Look at a form once it is known that it came from our own page."""
        if request.method != "POST":
            return
        for _, values in request.POST.lists():
            if any(_NUL in value for value in values):
                raise BadRequest("NUL in a form")
