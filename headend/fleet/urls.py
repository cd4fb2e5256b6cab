"""Addresses of the meter pages."""

from django.urls import path

from headend.fleet import views

app_name = "fleet"
urlpatterns = [
    path("", views.meters, name="meters"),
    path(
        "work-items/<fleet.workitem:item_id>/close/", views.close_work_item, name="close-work-item"
    ),
    path("<slug:drn>/", views.meter, name="meter"),
    path("<slug:drn>/live/", views.live, name="live"),
    path("<slug:drn>/activity/", views.activity, name="activity"),
    path("<slug:drn>/usage/", views.usage, name="usage"),
    path("<slug:drn>/orders/<slug:slug>/", views.order, name="order"),
    path("<slug:drn>/commands/<uuid:command_id>/cancel/", views.cancel, name="cancel"),
]
