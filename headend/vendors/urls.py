"""Addresses of the pages of vendors."""

from django.urls import path

from headend.vendors import shift_views, views

app_name = "vendors"
urlpatterns = [
    path("", views.vendors, name="list"),
    path("add/", views.add, name="add"),
    path("tills/<int:till_id>/", views.switch_till, name="switch-till"),
    path("operators/<int:operator_id>/", views.switch_operator, name="switch-operator"),
    path("<int:vendor_id>/", views.vendor, name="vendor"),
    path("<int:vendor_id>/statement/", views.statement, name="statement"),
    path("<int:vendor_id>/shifts/", shift_views.shifts_of, name="shifts"),
    path("<int:vendor_id>/credit/", views.credit, name="credit"),
    path("<int:vendor_id>/contract/", views.contract, name="contract"),
    path("<int:vendor_id>/status/", views.status, name="status"),
    path("<int:vendor_id>/tills/", views.add_till, name="add-till"),
    path("<int:vendor_id>/operators/", views.add_operator, name="add-operator"),
]
