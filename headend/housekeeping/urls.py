"""Addresses of the page of housekeeping."""

from django.urls import path

from headend.housekeeping import views

app_name = "housekeeping"
urlpatterns = [
    path("", views.chores, name="chores"),
    path("<slug:name>/now/", views.ask, name="ask"),
]
