"""Which page answers which address."""

from django.urls import URLPattern, URLResolver, include, path

from headend.config.opaque import register_converters

register_converters()

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("headend.channels.home.urls")),
    path("", include("headend.accounts.urls")),
    path("till/", include("headend.channels.till.urls")),
    path("api-keys/", include("headend.api.page_urls")),
    path("webhooks/", include("headend.webhooks.urls")),
    path("audit/", include("headend.audit.urls")),
    path("sales/", include("headend.vending.urls")),
    path("currencies/", include("headend.currencies.urls")),
    path("customers/", include("headend.customers.urls")),
    path("debts/", include("headend.debts.urls")),
    path("housekeeping/", include("headend.housekeeping.urls")),
    path("exchange/", include("headend.exchange.urls")),
    path("ledger/", include("headend.ledger.urls")),
    path("keys/", include("headend.securitymodule.urls")),
    path("shifts/", include("headend.vendors.shift_urls")),
    path("vendors/", include("headend.vendors.urls")),
    path("campaigns/", include("headend.campaigns.urls")),
    path("engineering/", include("headend.engineering.urls")),
    path("meters/", include("headend.fleet.urls")),
    path("supply/", include("headend.supply.urls")),
    path("tariffs/", include("headend.tariffs.urls")),
]
