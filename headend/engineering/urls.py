"""Addresses of the pages of engineering tokens and of one meter's key."""

from django.urls import path

from headend.engineering import views

app_name = "engineering"
urlpatterns = [
    path("meters/<slug:drn>/", views.meter, name="meter"),
    path("meters/<slug:drn>/recent/", views.recent, name="recent"),
    path("meters/<slug:drn>/key/", views.change_key, name="change-key"),
    path("meters/<slug:drn>/order/<slug:slug>/", views.order, name="order"),
    path("tokens/<vending.issuedtoken:token_id>/", views.token, name="token"),
    path("tokens/<vending.issuedtoken:token_id>/send/", views.send, name="send"),
    path("tokens/<vending.issuedtoken:token_id>/replace/", views.replace, name="replace"),
    path("key-changes/<meters.keychange:change_id>/", views.key_change, name="key-change"),
    path(
        "key-changes/<meters.keychange:change_id>/end/",
        views.end_key_change,
        name="end-key-change",
    ),
]
