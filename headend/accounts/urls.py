"""Addresses for logging in and out."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from headend.accounts.views import LogInView

urlpatterns = [
    path("log-in/", LogInView.as_view(), name="log-in"),
    path("log-out/", LogoutView.as_view(), name="log-out"),
]
