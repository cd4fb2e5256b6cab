"""What a page's view is handed: a request of somebody who is logged in."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from headend.accounts.models import User


class PageRequest(HttpRequest):
    """A request behind the middleware; only a name for the type, none is ever made of it."""

    user: User
    htmx: HtmxDetails
