"""Addresses for logging in and out, one's own account, and requests for a second person."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from headend.accounts import approval_views, people_views, views

approvals = [
    path("", approval_views.requests, name="inbox"),
    path("<accounts.approval:approval_id>/", approval_views.one, name="request"),
]

second_factor = [
    path("", views.check, name="check"),
    path("set-up/", views.begin, name="begin"),
    path("app/", views.add_app, name="app"),
    path("passkey/", views.add_passkey, name="passkey"),
    path("recovery-codes/", views.recovery_codes, name="codes"),
    path("recovery-codes/new/", views.make_codes, name="make-codes"),
    path("<accounts.secondfactor:factor_id>/remove/", views.remove_factor, name="remove"),
]

people = [
    path("", people_views.listing, name="list"),
    path("new/", people_views.new_person, name="new"),
    path("<accounts.user:user_id>/", people_views.person, name="person"),
    path("groups/new/", people_views.group, name="new-group"),
    path("groups/<auth.group:group_id>/", people_views.group, name="group"),
    path("groups/<auth.group:group_id>/delete/", people_views.remove_group, name="delete-group"),
]

urlpatterns = [
    path("log-in/", views.LogInView.as_view(), name="log-in"),
    path(
        "log-out/",
        views.before_own_password(views.before_second_factor(LogoutView.as_view())),
        name="log-out",
    ),
    path("account/", views.account, name="account"),
    path("account/password/", views.choose_password, name="choose-password"),
    path("second-factor/", include((second_factor, "second-factor"))),
    path("people/", include((people, "people"))),
    path("approvals/", include((approvals, "approvals"))),
]
