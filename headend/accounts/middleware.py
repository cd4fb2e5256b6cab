"""Every page needs a log-in unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_htmx.http import HttpResponseClientRefresh


class LogInFirst(LoginRequiredMiddleware):
    """Sends whoever is not logged in to the log-in page.

    A piece of a page that is fetched after the session has ended reloads the whole page instead,
    so that a log-in form never appears in the middle of another page.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        """Answer a request that needs a log-in."""
        if getattr(request, "htmx", False):
            return HttpResponseClientRefresh()
        return super().handle_no_permission(request, view_func)
