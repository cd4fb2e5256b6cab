"""Address of the start page."""

from django.urls import path

from headend.channels.home.views import home

urlpatterns = [path("", home, name="home")]
