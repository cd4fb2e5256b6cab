"""Addresses for logging in and out, one's own account, and requests for a second person."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from headend.accounts import inbox, views

approvals = [
    path("", inbox.requests, name="inbox"),
    path("<int:approval_id>/", inbox.one, name="request"),
]

second_factor = [
    path("", views.check, name="check"),
    path("set-up/", views.begin, name="begin"),
    path("app/", views.add_app, name="app"),
    path("passkey/", views.add_passkey, name="passkey"),
    path("recovery-codes/", views.recovery_codes, name="codes"),
    path("recovery-codes/new/", views.make_codes, name="make-codes"),
    path("<int:factor_id>/remove/", views.remove_factor, name="remove"),
]

urlpatterns = [
    path("log-in/", views.LogInView.as_view(), name="log-in"),
    path("log-out/", views.before_second_factor(LogoutView.as_view()), name="log-out"),
    path("account/", views.account, name="account"),
    path("second-factor/", include((second_factor, "second-factor"))),
    path("approvals/", include((approvals, "approvals"))),
]
