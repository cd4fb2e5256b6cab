"""Addresses of the pages of currencies."""

from django.urls import path, re_path

from headend.currencies import views

app_name = "currencies"
urlpatterns = [
    path("", views.currencies, name="list"),
    path("add/", views.add, name="add"),
    re_path(r"^(?P<code>[A-Z]{3})/$", views.currency, name="currency"),
    re_path(r"^(?P<code>[A-Z]{3})/terms/$", views.terms, name="terms"),
    re_path(r"^(?P<code>[A-Z]{3})/propose/$", views.propose, name="propose"),
]
