"""Notes where a request comes from, before anything is done about it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from headend.accounts.throttle import address_of
from headend.audit import origin


class Origin:
    """Middleware to put first, so that what the API does is recorded with its address too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        with origin.coming_from(address_of(request)):
            return self._get_response(request)
