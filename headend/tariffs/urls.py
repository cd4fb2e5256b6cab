"""Addresses of the tariff pages."""

from django.urls import path, re_path

from headend.tariffs import views

app_name = "tariffs"
urlpatterns = [
    path("", views.tariffs, name="list"),
    path("new/", views.new, name="new"),
    path("preview/", views.preview, name="preview"),
    path("file/", views.read_file, name="read-file"),
    path("versions/<int:version_id>/", views.version, name="version"),
    path("versions/<int:version_id>/file/", views.version_file, name="version-file"),
    path("drafts/<int:draft_id>/", views.draft, name="draft"),
    path("drafts/<int:draft_id>/file/", views.draft_file, name="draft-file"),
    path("drafts/<int:draft_id>/submit/", views.submit, name="submit"),
    re_path(
        r"^drafts/(?P<draft_id>[0-9]{1,18})/(?P<verb>reopen|discard)/$", views.act, name="act"
    ),
]
