"""Addresses of the customer pages."""

from django.urls import path

from headend.customers import views

app_name = "customers"
urlpatterns = [
    path("", views.customers, name="list"),
    path("<customers.customer:customer_id>/", views.customer, name="customer"),
    path(
        "<customers.customer:customer_id>/agreements/<customers.supplyagreement:agreement_id>/low-credit/",
        views.low_credit,
        name="low-credit",
    ),
    path(
        "<customers.customer:customer_id>/agreements/<customers.supplyagreement:agreement_id>/terms/",
        views.terms,
        name="terms",
    ),
]
