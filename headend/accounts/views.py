"""Logging in."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.views import LoginView

from headend.accounts.forms import LogInForm


class LogInView(LoginView):
    """The log-in page; leads on to the page that asked for it, if that is one of ours."""

    form_class = LogInForm
    template_name = "accounts/log_in.html"
    extra_context = {"utility_name": settings.UTILITY_NAME}
