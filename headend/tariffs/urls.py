"""Addresses of the tariff pages."""

from django.urls import path

from headend.tariffs import views

app_name = "tariffs"
urlpatterns = [
    path("", views.tariffs, name="list"),
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("file/", views.read_file, name="read-file"),
    path("versions/<tariffs.tariffversion:version_id>/", views.version, name="version"),
    path(
        "versions/<tariffs.tariffversion:version_id>/file/",
        views.version_file,
        name="version-file",
    ),
    path("drafts/<tariffs.tariffdraft:draft_id>/", views.draft, name="draft"),
    path("drafts/<tariffs.tariffdraft:draft_id>/file/", views.draft_file, name="draft-file"),
    path("drafts/<tariffs.tariffdraft:draft_id>/submit/", views.submit, name="submit"),
    path("drafts/<tariffs.tariffdraft:draft_id>/<slug:verb>/", views.act, name="act"),
]
