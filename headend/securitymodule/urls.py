"""Addresses of the keys' pages."""

from django.urls import path

from headend.securitymodule import views

app_name = "keys"

urlpatterns = [
    path("", views.listing, name="list"),
    path("roots/", views.make_root, name="make-root"),
    path("load/", views.load, name="load"),
    path("load/passkey/", views.passkey, name="passkey"),
]
