"""Requests as pages' views get them: who asks, by which methods, at which address."""

from __future__ import annotations

from django.http import HttpRequest
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

from headend.accounts.models import User

# For a page that shows a form and takes it.
reads_or_posts = require_http_methods(["GET", "HEAD", "POST"])


class PageRequest(HttpRequest):
    """A request behind the middleware; only a name for the type, none is ever made of it."""

    user: User
    htmx: HtmxDetails


def host_of(request: HttpRequest) -> str:
    """Return the site's name without its port, which is what a passkey belongs to."""
    return request.get_host().rpartition(":")[0] or request.get_host()


def origin_of(request: HttpRequest) -> str:
    """Return the site's address as a browser knows it, which a passkey signs."""
    return f"{request.scheme}://{request.get_host()}"
