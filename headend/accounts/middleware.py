"""Every page needs a valid log-in, an own password, and a second factor from those who must."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode
from django_htmx.http import HttpResponseClientRefresh

from headend.accounts import sessions


class SessionsEnd:
    """Logs out whoever did nothing for a while, or logged in long ago."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request, of nobody if the session has ended."""
        ended = sessions.has_ended(request) if request.user.is_authenticated else None
        if ended:
            logout(request)
            messages.info(request, ended, extra_tags="info")
        return self.get_response(request)


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


_PAGES = {
    sessions.TO_PASS: "second-factor:check",
    sessions.TO_CHOOSE: "choose-password",
    sessions.TO_SET_UP: "second-factor:begin",
}


class SecondFactorFirst:
    """Sends whoever still owes a second factor or an own password to the page that asks for it.

    A view with the attribute `before_second_factor` or `before_own_password` is for them too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Answer instead of the view if something is owed."""
        owed = sessions.owes(request) if request.user.is_authenticated else None
        request.owes_second_factor = owed is not None  # type: ignore[attr-defined]
        open_to_all = not getattr(view, "login_required", True)
        is_choosing = owed == sessions.TO_CHOOSE
        before = "before_own_password" if is_choosing else "before_second_factor"
        if owed is None or open_to_all or getattr(view, before, False):
            return None
        if getattr(request, "htmx", False):
            return HttpResponseClientRefresh()
        answer = redirect(_PAGES[owed])
        answer.headers["Location"] += "?" + urlencode({"next": request.get_full_path()})
        return answer
