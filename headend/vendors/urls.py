"""Addresses of the pages of vendors."""

from django.urls import path

from headend.vendors import shift_views, views

app_name = "vendors"
urlpatterns = [
    path("", views.vendors, name="list"),
    path("add/", views.add, name="add"),
    path("tills/<vendors.till:till_id>/", views.switch_till, name="switch-till"),
    path(
        "operators/<vendors.operator:operator_id>/", views.switch_operator, name="switch-operator"
    ),
    path(
        "operators/<vendors.operator:operator_id>/remove/",
        views.remove_operator,
        name="remove-operator",
    ),
    path("<vendors.vendor:vendor_id>/", views.vendor, name="vendor"),
    path("<vendors.vendor:vendor_id>/statement/", views.statement, name="statement"),
    path("<vendors.vendor:vendor_id>/shifts/", shift_views.shifts_of, name="shifts"),
    path("<vendors.vendor:vendor_id>/credit/", views.credit, name="credit"),
    path("<vendors.vendor:vendor_id>/low-wallet/", views.low_wallet, name="low-wallet"),
    path("<vendors.vendor:vendor_id>/contract/", views.contract, name="contract"),
    path("<vendors.vendor:vendor_id>/status/", views.status, name="status"),
    path("<vendors.vendor:vendor_id>/tills/", views.add_till, name="add-till"),
    path("<vendors.vendor:vendor_id>/operators/", views.add_operator, name="add-operator"),
]
