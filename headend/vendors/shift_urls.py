"""Addresses of the pages of shifts and of the utility's own tills."""

from django.urls import path

from headend.vendors import shift_views, views

app_name = "shifts"
urlpatterns = [
    path("", shift_views.own, name="own"),
    path("<vendors.shift:shift_id>/", shift_views.one, name="one"),
    path("tills/", shift_views.tills, name="tills"),
    path("tills/safe/", views.fill_safe, name="fill-safe"),
    path("tills/add/", views.add_own_till, name="add-till"),
]
