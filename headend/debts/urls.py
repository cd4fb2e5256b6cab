"""Addresses of the pages of debts."""

from django.urls import path

from headend.debts import views

app_name = "debts"
urlpatterns = [
    path("", views.debts, name="list"),
    path("floor/", views.floor, name="floor"),
    path("report/", views.report, name="report"),
    path("of-customer/<int:customer_id>/add/", views.add, name="add"),
    path("<int:debt_id>/", views.debt, name="debt"),
    path("<int:debt_id>/terms/", views.terms, name="terms"),
    path("<int:debt_id>/write-off/", views.write_off, name="write-off"),
    path("<int:debt_id>/adjust/", views.adjust, name="adjust"),
]
