"""Pages of debts: lists, one debt with its history, new debts, terms, requests, report."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.models import Approval
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config import opaque
from headend.config.errors import Refusal
from headend.customers.models import Customer, Premises
from headend.debts import acts, queries, services
from headend.debts.forms import (
    AdjustmentForm,
    AmountForm,
    ChangeTermsForm,
    DebtForm,
    EnergyFloorForm,
)
from headend.debts.models import Debt, EnergyFloor
from headend.design import figures
from headend.design.paging import LongList
from headend.ledger.forms import PeriodForm

PER_PAGE = 50

may_look = permission_required("debts.view_debt", raise_exception=True)


@require_safe
@may_look
def debts(request: PageRequest) -> HttpResponse:
    """List debts, open ones first; `q` searches, `customer` and `paid` narrow or widen it."""
    text = request.GET.get("q", "").strip()
    customer = _customer_asked_for(request)
    found = _debts(text, customer)
    if "paid" not in request.GET:
        found = found.filter(balance_minor__gt=0)
    context = {
        "q": text,
        "paid": "paid" in request.GET,
        "customer": customer,
        "page": LongList(found, PER_PAGE).get_page(request.GET.get("page")),
        "owed_minor": found.order_by().aggregate(total=Sum("balance_minor"))["total"] or 0,
        "floor_percent": queries.energy_floor(at=timezone.now()) * 100,
    }
    return render(request, "debts/rows.html" if request.htmx else "debts/list.html", context)


@require_safe
@may_look
def debt(request: PageRequest, debt_id: int) -> HttpResponse:
    """Show one debt: what is owed, on which terms, and its whole life."""
    found = get_object_or_404(_with_owner(), pk=debt_id)
    newest_first = list(queries.statement(found).lines)[::-1]
    page = Paginator(newest_first, PER_PAGE).get_page(request.GET.get("page"))
    waiting = Approval.objects.filter(
        act__in=(acts.WRITE_OFF, acts.ADJUST), state=Approval.OPEN, arguments__debt=found.pk
    )
    return render(
        request,
        "debts/debt.html",
        {
            "debt": found,
            "page": page,
            "paid_minor": queries.collected_minor(found),
            "waiting": waiting,
        },
    )


@reads_or_posts
@permission_required("debts.add_debt", raise_exception=True)
def add(request: PageRequest, customer_id: int) -> HttpResponse:
    """Open a debt of a customer, or of a premises that they are supplied at."""
    customer = get_object_or_404(Customer, pk=customer_id)
    running = customer.agreements.filter(ended_at__isnull=True).select_related("premises")
    owners: dict[str, Customer | Premises] = {"customer": customer}
    owners |= {f"premises-{one.premises_id}": one.premises for one in running}
    choices = [(name, str(owner)) for name, owner in owners.items()]
    form = DebtForm(request.POST or None, owners=choices)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            made = services.open_debt(
                owner=owners[asked["attach_to"]],
                title=asked["title"],
                amount_minor=asked["amount"],
                terms=form.terms(),
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("debts:debt", made.pk)
    return render(request, "debts/add.html", {"customer": customer, "form": form})


@reads_or_posts
@permission_required("debts.change_debt", raise_exception=True)
def terms(request: PageRequest, debt_id: int) -> HttpResponse:
    """Recover a debt on other terms."""
    found = get_object_or_404(_with_owner(), pk=debt_id)
    form = ChangeTermsForm(request.POST or None, initial=_as_typed(found))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_terms(
                found,
                form.terms(),
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "The new terms hold from now on.", extra_tags="good")
            return redirect("debts:debt", found.pk)
    return render(request, "debts/terms.html", {"debt": found, "form": form})


@reads_or_posts
@permission_required("debts.write_off", raise_exception=True)
def write_off(request: PageRequest, debt_id: int) -> HttpResponse:
    """Ask for a debt to be written off."""
    found = get_object_or_404(_with_owner(), pk=debt_id)
    form = AmountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _requested(
            request, found, form, acts.request_write_off, form.cleaned_data["amount"]
        )
    return _ask(request, found, form, "Write off")


@reads_or_posts
@permission_required("debts.adjust", raise_exception=True)
def adjust(request: PageRequest, debt_id: int) -> HttpResponse:
    """Ask for a debt to be raised or lowered."""
    found = get_object_or_404(_with_owner(), pk=debt_id)
    form = AdjustmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        sign = 1 if form.cleaned_data["direction"] == "raise" else -1
        change_minor = sign * form.cleaned_data["amount"]
        return _requested(request, found, form, acts.request_adjustment, change_minor)
    return _ask(request, found, form, "Adjust")


@reads_or_posts
@permission_required("debts.view_energyfloor", raise_exception=True)
def floor(request: PageRequest) -> HttpResponse:
    """Show what debts must leave for energy, since when, and let it be set."""
    now = timezone.now()
    form = EnergyFloorForm(
        request.POST or None, initial={"percent": queries.energy_floor(at=now) * 100}
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.set_energy_floor(
                percent=form.cleaned_data["percent"], by=request.user, at=now
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("debts:floor")
    floors = EnergyFloor.objects.select_related("set_by").order_by("-valid_from", "-pk")
    context = {"form": form, "floors": floors, "default": queries.DEFAULT_FLOOR_PERCENT}
    return render(request, "debts/floor.html", context)


@require_safe
@may_look
def report(request: PageRequest) -> HttpResponse:
    """Show how what is owed came to be in a period, from the ledger."""
    form = PeriodForm(request.GET)
    since, until = form.period()
    context = {"form": form, "movements": queries.movements(since=since, until=until)}
    return render(request, "debts/report.html", context)


def _with_owner() -> QuerySet[Debt]:
    return Debt.objects.select_related("customer", "premises")


def _customer_asked_for(request: PageRequest) -> Customer | None:
    asked = opaque.asked("customers.customer", request.GET.get("customer"))
    return None if asked is None else get_object_or_404(Customer, pk=asked)


def _debts(text: str, customer: Customer | None) -> QuerySet[Debt]:
    found = _with_owner().order_by("-balance_minor", "pk")
    if customer is not None:
        running = customer.agreements.filter(ended_at__isnull=True)
        found = found.filter(Q(customer=customer) | Q(premises__in=running.values("premises")))
    for word in text.split():
        found = found.filter(
            Q(title__icontains=word)
            | Q(external_reference__iexact=word)
            | Q(customer__name__icontains=word)
            | Q(premises__address__icontains=word)
        )
    return found


def _as_typed(debt: Debt) -> dict[str, Any]:
    def money(minor: int | None) -> str:
        digits = settings.BASE_CURRENCY_MINOR_DIGITS
        return figures.decimal(minor, digits=digits, grouped=False) if minor else ""

    return {
        "method": debt.method,
        "percent": f"{debt.percent.normalize():f}" if debt.percent else None,
        "later_percent": f"{debt.later_percent.normalize():f}" if debt.later_from else None,
        "later_from": debt.later_from,
        "amount_each": money(debt.amount_minor),
        "instalments": debt.instalments if debt.first_due else None,
        "first_due": debt.first_due,
        "cap_per_purchase": money(debt.cap_per_purchase_minor),
        "cap_per_month": money(debt.cap_per_month_minor),
        "blocked_from": debt.blocked_from,
        "priority": debt.priority,
    }


def _requested(
    request: PageRequest, found: Debt, form: AmountForm, ask: Any, amount_minor: int
) -> HttpResponse:
    try:
        ask(
            found,
            amount_minor,
            by=request.user,
            at=timezone.now(),
            reason=form.cleaned_data["reason"],
        )
    except Refusal as error:
        form.add_error("amount", error.sentence)
        return _ask(request, found, form, "Write off" if type(form) is AmountForm else "Adjust")
    messages.success(request, "Asked for: somebody else has to approve it.", extra_tags="info")
    return redirect("debts:debt", found.pk)


def _ask(request: PageRequest, found: Debt, form: AmountForm, verb: str) -> HttpResponse:
    return render(request, "debts/ask.html", {"debt": found, "form": form, "verb": verb})
