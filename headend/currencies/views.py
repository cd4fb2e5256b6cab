"""Pages of foreign currencies: list, one currency with its rates, a new rate."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.models import Approval
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.currencies import queries, services, sold
from headend.currencies.forms import AddForm, RateForm, TermsForm
from headend.currencies.models import Currency
from headend.ledger import chart

PER_PAGE = 50
SHOWN = 20  # of what the bank bought; the others are among the payments

may_look = permission_required("currencies.view_currency", raise_exception=True)
may_choose = permission_required("currencies.change_currency", raise_exception=True)
may_propose = permission_required(services.PROPOSE_RATE, raise_exception=True)


@require_safe
@may_look
def currencies(request: PageRequest) -> HttpResponse:
    """List the currencies besides the base one, each with the rate that holds now."""
    now = timezone.now()
    context = {
        "found": [queries.standing(one, at=now) for one in Currency.objects.all()],
        "waiting": _waiting(),
        "base": settings.BASE_CURRENCY,
    }
    return render(request, "currencies/list.html", context)


@require_safe
@may_look
def currency(request: PageRequest, code: str) -> HttpResponse:
    """Show one currency: its rates, what was taken and not sold yet, and what the bank bought."""
    found = get_object_or_404(Currency, code=code)
    rates = queries.with_ends(found.rates.select_related("proposed_by", "approved_by"))
    bought = list(found.sold.select_related("payment").order_by("-pk"))
    now = timezone.now()
    context = {
        "currency": found,
        "standing": queries.standing(found, at=now),
        "held": sold.held(code),
        "account": chart.exchange_account(code),
        "gained_minor": sum(one.gained_minor for one in bought),
        "sold": bought[:SHOWN],
        "sold_count": len(bought),
        "page": Paginator(rates.order_by("-valid_from"), PER_PAGE).get_page(
            request.GET.get("page")
        ),
        "waiting": _waiting().filter(arguments__currency=code),
        "base": settings.BASE_CURRENCY,
        "now": now,
    }
    return render(request, "currencies/currency.html", context)


@reads_or_posts
@may_choose
def add(request: PageRequest) -> HttpResponse:
    """Ask for a currency that customers may pay in."""
    form = AddForm(request.POST or None)
    return _choose(request, form, "", "Take another currency", "Take it")


@reads_or_posts
@may_choose
def terms(request: PageRequest, code: str) -> HttpResponse:
    """Ask whether a currency is taken on, and how long its rates may be used."""
    found = get_object_or_404(Currency, code=code)
    initial = {"is_accepted": found.is_accepted, "rate_holds_hours": found.rate_holds_hours}
    form = TermsForm(request.POST or None, initial=initial)
    return _choose(request, form, code, f"How {code} is taken", "Save")


@reads_or_posts
@may_propose
def propose(request: PageRequest, code: str) -> HttpResponse:
    """Ask for a rate, which somebody else approves."""
    found = get_object_or_404(Currency, code=code)
    form = RateForm(request.POST or None, code=code)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            approval = services.propose_rate(
                found,
                units=asked["units"],
                base_units=asked["base_units"],
                valid_from=asked["valid_from"],
                by=request.user,
                at=timezone.now(),
                reason=asked["reason"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, f"Asked for: {approval.summary}", extra_tags="good")
            return redirect("currencies:currency", code)
    context = {
        "form": form,
        "title": f"A rate of {code}",
        "purpose": "It holds once somebody else has approved it, and is never changed then.",
        "verb": "Ask for approval",
        "code": code,
    }
    return render(request, "currencies/ask.html", context, status=422 if form.is_bound else 200)


def _choose(
    request: PageRequest, form: forms.Form, code: str, title: str, verb: str
) -> HttpResponse:
    if form.is_valid():
        asked = {"code": code} | form.cleaned_data
        try:
            found = services.accept(**asked, by=request.user, at=timezone.now())
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("currencies:currency", found.code)
    context = {"form": form, "title": title, "verb": verb, "code": code}
    return render(request, "currencies/ask.html", context, status=422 if form.is_bound else 200)


def _waiting() -> QuerySet[Approval]:
    """Return the rates that nobody has decided on yet."""
    found = Approval.objects.filter(act=services.PROPOSE_RATE, state=Approval.OPEN)
    return found.select_related("requested_by").order_by("requested_at", "pk")
