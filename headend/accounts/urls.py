"""Addresses for logging in and out, and of the requests that wait for a second person."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from headend.accounts import inbox
from headend.accounts.views import LogInView

approvals = [
    path("", inbox.requests, name="inbox"),
    path("<int:approval_id>/", inbox.one, name="request"),
]

urlpatterns = [
    path("log-in/", LogInView.as_view(), name="log-in"),
    path("log-out/", LogoutView.as_view(), name="log-out"),
    path("approvals/", include((approvals, "approvals"))),
]
