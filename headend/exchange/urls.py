"""Addresses of the pages about sheets."""

from django.urls import path

from headend.exchange import views

app_name = "exchange"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("import/<slug:kind_name>/", views.new, name="new"),
    path("import/<slug:kind_name>/template.<slug:file_format>", views.template, name="template"),
    path("export/<slug:name>.<slug:file_format>", views.export, name="export"),
    path("<exchange.job:job_id>/", views.job, name="job"),
    path("<exchange.job:job_id>/results.csv", views.results, name="results"),
    path("<exchange.job:job_id>/refused.csv", views.refused, name="refused"),
    path("<exchange.job:job_id>/import/", views.import_tried, name="import-tried"),
    path("<exchange.job:job_id>/stop/", views.stop, name="stop"),
]
