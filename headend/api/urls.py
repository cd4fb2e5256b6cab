"""Addresses of the API; `headend.api.middleware` answers them before any page's middleware."""

from django.urls import path

from headend.api.service import PATH, api

urlpatterns = [path(PATH.removeprefix("/"), api.urls)]
