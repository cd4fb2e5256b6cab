"""Addresses of the pages of supplies."""

from django.urls import path

from headend.supply import change_views, views

app_name = "supply"
urlpatterns = [
    path("", views.supplies, name="list"),
    path("rule/", views.rule, name="rule"),
    path("switches/", change_views.switches, name="switches"),
    path("move-in/", change_views.find_meter, name="find-meter"),
    path("meters/<slug:drn>/close/", views.start, name="start"),
    path("meters/<slug:drn>/move-in/", change_views.move_in, name="move-in"),
    path("meters/<slug:drn>/replace/", change_views.replace, name="replace"),
    path("meters/<slug:drn>/take-down/", change_views.take_down, name="take-down"),
    path("closings/<slug:number>/", views.closing, name="closing"),
    path("closings/<slug:number>/statement/", views.statement, name="statement"),
    path("closings/<slug:number>/<slug:step>/", views.step, name="step"),
    path("replacements/<slug:number>/", change_views.replacement, name="replacement"),
    path(
        "replacements/<slug:number>/<slug:step>/",
        change_views.replacement_step,
        name="replacement-step",
    ),
]
