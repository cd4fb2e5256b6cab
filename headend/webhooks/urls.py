"""Addresses of the pages about webhooks."""

from django.urls import path

from headend.webhooks import views

app_name = "webhooks"
urlpatterns = [
    path("", views.webhooks, name="list"),
    path("new/", views.new, name="new"),
    path("given-up/", views.dead, name="dead"),
    path("deliveries/<webhooks.delivery:delivery_id>/", views.delivery, name="delivery"),
    path("<webhooks.subscription:webhook_id>/", views.webhook, name="webhook"),
    path("<webhooks.subscription:webhook_id>/change/", views.change, name="change"),
    path("<webhooks.subscription:webhook_id>/secret/", views.exchange, name="exchange"),
    path("<webhooks.subscription:webhook_id>/end-it/", views.end, name="end"),
    path("<webhooks.subscription:webhook_id>/replay/", views.replay, name="replay"),
    path("<webhooks.subscription:webhook_id>/<slug:verb>/", views.act, name="act"),
]
