"""Addresses of the till."""

from django.urls import path

from headend.channels.till import views

app_name = "till"
urlpatterns = [
    path("", views.find, name="find"),
    path("debt/<debts.debt:debt_id>/", views.pay_debt, name="pay-debt"),
    path("<slug:drn>/", views.sell, name="sell"),
    path("<slug:drn>/trial/", views.trial, name="trial"),
    path("<slug:drn>/confirm/", views.confirm, name="confirm"),
]
