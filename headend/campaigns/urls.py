"""Addresses of the pages of key campaigns."""

from django.urls import path

from headend.campaigns import views

app_name = "campaigns"
urlpatterns = [
    path("", views.campaigns, name="list"),
    path("new/", views.new, name="new"),
    path("<campaigns.campaign:campaign_id>/", views.campaign, name="campaign"),
    path("<campaigns.campaign:campaign_id>/standing/", views.standing, name="standing"),
    path("<campaigns.campaign:campaign_id>/act/", views.act, name="act"),
    path("<campaigns.campaign:campaign_id>/report.csv", views.report, name="report"),
]
