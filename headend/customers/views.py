"""The list of customers and one customer's page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.customers import services
from headend.customers.forms import LowCreditForm, TermsForm, low_credit_form
from headend.customers.models import Customer, SupplyAgreement
from headend.customers.search import find_customers
from headend.design import figures
from headend.design.paging import LongList

PER_PAGE = 50


@require_safe
@permission_required("customers.view_customer", raise_exception=True)
def customers(request: PageRequest) -> HttpResponse:
    """List customers with their running agreements; `q` searches."""
    text = request.GET.get("q", "")
    page = LongList(find_customers(text), PER_PAGE).get_page(request.GET.get("page"))
    template = "customers/rows.html" if request.htmx else "customers/list.html"
    return render(request, template, {"q": text, "page": page})


@require_safe
@permission_required("customers.view_customer", raise_exception=True)
def customer(request: PageRequest, customer_id: int) -> HttpResponse:
    """Show one customer: how to reach them, and every agreement, running ones first."""
    return _customer(request, customer_id)


@require_POST
@permission_required(
    ["customers.view_customer", "customers.change_supplyagreement"], raise_exception=True
)
def low_credit(request: PageRequest, customer_id: int, agreement_id: int) -> HttpResponse:
    """Change below which credit the customer is told that it runs low."""
    agreement = get_object_or_404(
        SupplyAgreement.objects.select_related("meter"), pk=agreement_id, customer=customer_id
    )
    form = low_credit_form(agreement, request.POST)
    if form.is_valid():
        threshold_wh = form.cleaned_data["threshold"]
        try:
            services.set_low_credit_threshold(
                agreement, threshold_wh=threshold_wh, by=request.user, at=timezone.now()
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, _said(agreement), extra_tags="good")
            return redirect("customers:customer", customer_id)
    return _customer(request, customer_id, typed=(agreement_id, form))


@reads_or_posts
@permission_required(
    ["customers.view_customer", "customers.change_supplyagreement"], raise_exception=True
)
def terms(request: PageRequest, customer_id: int, agreement_id: int) -> HttpResponse:
    """Change the tariff of a running agreement, and the size of its connection."""
    agreement = get_object_or_404(
        SupplyAgreement.objects.select_related("customer", "premises", "meter", "tariff"),
        pk=agreement_id,
        customer=customer_id,
        ended_at=None,
    )
    begins = {"tariff": agreement.tariff_id, "connection_va": agreement.connection_va}
    form = TermsForm(request.POST or None, initial=begins)
    if request.method == "POST" and form.is_valid():
        try:
            services.set_terms(agreement, **form.cleaned_data, by=request.user, at=timezone.now())
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            told = f"From the next purchase on, meter {agreement.meter.drn} buys by these terms."
            messages.success(request, told, extra_tags="good")
            return redirect("customers:customer", customer_id)
    context = {"agreement": agreement, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "customers/terms.html", context, status=status)


def _customer(
    request: PageRequest, customer_id: int, *, typed: tuple[int, LowCreditForm] | None = None
) -> HttpResponse:
    """Render a customer's page, with what was typed wrongly for one agreement if anything was."""
    found = get_object_or_404(Customer, pk=customer_id)
    agreements = sorted(
        found.agreements.select_related("premises", "meter", "tariff").prefetch_related(
            "former_meters__meter",
            "replacements__old_meter",
            "mode_switches",
        ),
        key=lambda one: (one.ended_at is not None, -one.started_at.timestamp()),
    )
    forms = {one.pk: low_credit_form(one) for one in agreements if not one.ended_at}
    forms |= dict([typed] if typed else [])
    return render(
        request,
        "customers/customer.html",
        {
            "customer": found,
            "agreements": [(one, forms.get(one.pk)) for one in agreements],
        },
        status=422 if typed else 200,
    )


def _said(agreement: SupplyAgreement) -> str:
    threshold_wh = agreement.low_credit_threshold_wh
    if not threshold_wh:
        return f"The customer is not told of low credit on meter {agreement.meter.drn} any more."
    return (
        f"The customer is told below {figures.kwh(threshold_wh)} kWh. Meter {agreement.meter.drn} "
        "is set to it when it next reports."
    )
