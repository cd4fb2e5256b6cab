"""Addresses of the pages about API keys."""

from django.urls import path

from headend.api import views

app_name = "api-keys"
urlpatterns = [
    path("", views.key_list, name="list"),
    path("new/", views.new_key, name="new"),
    path("<api.apikey:key_id>/revoke/", views.revoke_key, name="revoke"),
]
