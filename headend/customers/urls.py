"""Addresses of the customer pages."""

from django.urls import path

from headend.customers import views

app_name = "customers"
urlpatterns = [
    path("", views.customers, name="list"),
    path("<opaque:customer_id>/", views.customer, name="customer"),
    path(
        "<opaque:customer_id>/agreements/<opaque:agreement_id>/low-credit/",
        views.low_credit,
        name="low-credit",
    ),
    path(
        "<opaque:customer_id>/agreements/<opaque:agreement_id>/terms/",
        views.terms,
        name="terms",
    ),
]
