"""The list of customers and one customer's page."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest
from headend.customers.models import Customer
from headend.customers.search import find_customers

PER_PAGE = 50


@require_safe
@permission_required("customers.view_customer", raise_exception=True)
def customers(request: PageRequest) -> HttpResponse:
    """List customers with their running agreements; `q` searches."""
    text = request.GET.get("q", "")
    page = Paginator(find_customers(text, at=timezone.now()), PER_PAGE).get_page(
        request.GET.get("page")
    )
    template = "customers/rows.html" if request.htmx else "customers/list.html"
    return render(request, template, {"q": text, "page": page})


@require_safe
@permission_required("customers.view_customer", raise_exception=True)
def customer(request: PageRequest, customer_id: int) -> HttpResponse:
    """Show one customer: how to reach them, and every agreement, running ones first."""
    found = get_object_or_404(Customer, pk=customer_id)
    agreements = found.agreements.select_related("premises", "meter", "tariff")
    return render(
        request,
        "customers/customer.html",
        {
            "customer": found,
            "agreements": sorted(
                agreements, key=lambda one: (one.ended_at is not None, -one.started_at.timestamp())
            ),
        },
    )
