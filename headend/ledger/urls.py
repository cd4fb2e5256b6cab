"""Addresses of the ledger's pages."""

from django.urls import path

from headend.ledger import suspense_views, views

app_name = "ledger"
urlpatterns = [
    path("", views.trial_balance, name="trial-balance"),
    path("branches/<slug:name>/", views.branch, name="branch"),
    path("accounts/<str:code>/<str:currency>/", views.account, name="account"),
    path("payments/", suspense_views.payments, name="payments"),
    path("payments/add/", suspense_views.add, name="add-payment"),
    path("payments/<ledger.bankpayment:payment_id>/", suspense_views.payment, name="payment"),
]
