"""Addresses of the pages about sales."""

from django.urls import path

from headend.vending import free_views, reversal_views, tryout_views, verify_views, views

app_name = "vending"
urlpatterns = [
    path("", views.sales, name="sales"),
    path("free-electricity/", free_views.programmes, name="free-electricity"),
    path(
        "free-electricity/of/<customers.customer:customer_id>/",
        free_views.customer,
        name="free-of-customer",
    ),
    path("free-electricity/meter/<slug:drn>/", free_views.give, name="give-free"),
    path("try-tariff/<tariffs.tariffdraft:draft_id>/", tryout_views.try_tariff, name="try-tariff"),
    path("verify-token/", verify_views.verify, name="verify-token"),
    path("<slug:receipt_number>/", views.sale, name="sale"),
    path("<slug:receipt_number>/text/", views.text, name="text"),
    path("<slug:receipt_number>/delivery/", views.delivery, name="delivery"),
    path("<slug:receipt_number>/send/", views.send, name="send"),
    path("<slug:receipt_number>/copy/", views.copy, name="copy"),
    path("<slug:receipt_number>/show/", reversal_views.show, name="show"),
    path("<slug:receipt_number>/reverse/", reversal_views.reverse, name="reverse"),
    path("<slug:receipt_number>/move/", reversal_views.move, name="move"),
]
