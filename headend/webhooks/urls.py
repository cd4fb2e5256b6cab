"""Addresses of the pages about webhooks."""

from django.urls import path, re_path

from headend.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.webhooks, name="list"),
    path("new/", views.new, name="new"),
    path("given-up/", views.dead, name="dead"),
    path("deliveries/<int:delivery_id>/", views.delivery, name="delivery"),
    path("<int:webhook_id>/", views.webhook, name="webhook"),
    path("<int:webhook_id>/change/", views.change, name="change"),
    path("<int:webhook_id>/secret/", views.exchange, name="exchange"),
    path("<int:webhook_id>/end-it/", views.end, name="end"),
    path("<int:webhook_id>/replay/", views.replay, name="replay"),
    re_path(
        r"^(?P<webhook_id>[0-9]{1,18})/(?P<verb>pause|resume|end|test)/$", views.act, name="act"
    ),
]
