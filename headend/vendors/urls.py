"""Addresses of the pages of vendors."""

from django.urls import path

from headend.vendors import shift_views, views

app_name = "vendors"
urlpatterns = [
    path("", views.vendors, name="list"),
    path("add/", views.add, name="add"),
    path("tills/<opaque:till_id>/", views.switch_till, name="switch-till"),
    path("operators/<opaque:operator_id>/", views.switch_operator, name="switch-operator"),
    path("<opaque:vendor_id>/", views.vendor, name="vendor"),
    path("<opaque:vendor_id>/statement/", views.statement, name="statement"),
    path("<opaque:vendor_id>/shifts/", shift_views.shifts_of, name="shifts"),
    path("<opaque:vendor_id>/credit/", views.credit, name="credit"),
    path("<opaque:vendor_id>/low-wallet/", views.low_wallet, name="low-wallet"),
    path("<opaque:vendor_id>/contract/", views.contract, name="contract"),
    path("<opaque:vendor_id>/status/", views.status, name="status"),
    path("<opaque:vendor_id>/tills/", views.add_till, name="add-till"),
    path("<opaque:vendor_id>/operators/", views.add_operator, name="add-operator"),
]
