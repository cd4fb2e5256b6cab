"""Addresses of the tariff pages."""

from django.urls import path

from headend.tariffs import views

app_name = "tariffs"
urlpatterns = [
    path("", views.tariffs, name="list"),
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("file/", views.read_file, name="read-file"),
    path("versions/<opaque:version_id>/", views.version, name="version"),
    path("versions/<opaque:version_id>/file/", views.version_file, name="version-file"),
    path("drafts/<opaque:draft_id>/", views.draft, name="draft"),
    path("drafts/<opaque:draft_id>/file/", views.draft_file, name="draft-file"),
    path("drafts/<opaque:draft_id>/submit/", views.submit, name="submit"),
    path("drafts/<opaque:draft_id>/<slug:verb>/", views.act, name="act"),
]
