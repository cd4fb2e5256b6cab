"""Addresses of the pages of debts."""

from django.urls import path

from headend.debts import views

app_name = "debts"
urlpatterns = [
    path("", views.debts, name="list"),
    path("floor/", views.floor, name="floor"),
    path("report/", views.report, name="report"),
    path("of-customer/<opaque:customer_id>/add/", views.add, name="add"),
    path("<opaque:debt_id>/", views.debt, name="debt"),
    path("<opaque:debt_id>/terms/", views.terms, name="terms"),
    path("<opaque:debt_id>/write-off/", views.write_off, name="write-off"),
    path("<opaque:debt_id>/adjust/", views.adjust, name="adjust"),
]
