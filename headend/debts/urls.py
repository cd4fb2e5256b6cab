"""Addresses of the pages of debts."""

from django.urls import path

from headend.debts import views

app_name = "debts"
urlpatterns = [
    path("", views.debts, name="list"),
    path("floor/", views.floor, name="floor"),
    path("report/", views.report, name="report"),
    path("of-customer/<customers.customer:customer_id>/add/", views.add, name="add"),
    path("<debts.debt:debt_id>/", views.debt, name="debt"),
    path("<debts.debt:debt_id>/terms/", views.terms, name="terms"),
    path("<debts.debt:debt_id>/write-off/", views.write_off, name="write-off"),
    path("<debts.debt:debt_id>/adjust/", views.adjust, name="adjust"),
]
