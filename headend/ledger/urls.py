"""Addresses of the ledger's pages."""

from django.urls import path

from headend.ledger import views

app_name = "ledger"
urlpatterns = [
    path("", views.trial_balance, name="trial-balance"),
    path("branches/<slug:name>/", views.branch, name="branch"),
    path("accounts/<str:code>/<str:currency>/", views.account, name="account"),
]
