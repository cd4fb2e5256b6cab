"""Addresses of the customer pages."""

from django.urls import path

from headend.customers import views

app_name = "customers"
urlpatterns = [
    path("", views.customers, name="list"),
    path("<int:customer_id>/", views.customer, name="customer"),
    path(
        "<int:customer_id>/agreements/<int:agreement_id>/low-credit/",
        views.low_credit,
        name="low-credit",
    ),
    path(
        "<int:customer_id>/agreements/<int:agreement_id>/terms/",
        views.terms,
        name="terms",
    ),
]
