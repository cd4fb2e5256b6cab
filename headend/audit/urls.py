"""Addresses of the pages about the audit record."""

from django.urls import path

from headend.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.search, name="search"),
    path("<str:object_type>/<str:object_id>/", views.life, name="life"),
]
