"""Pages of free electricity: programmes, enrolments, and giving it without a purchase."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.customers.models import Customer, SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.meters.models import Meter
from headend.vending import disclosure, free_electricity, free_programmes
from headend.vending.free_forms import AmountForm, EndForm, EnrolForm
from headend.vending.models import FreeEnrolment, FreeGrant, FreeProgramme


@reads_or_posts
@permission_required("vending.view_freeprogramme", raise_exception=True)
def programmes(request: PageRequest) -> HttpResponse:
    """Show programmes with what they give from when; ask for a new amount."""
    form = AmountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            free_programmes.request_amount(
                code=asked["code"],
                title=asked["title"],
                from_month=asked["from_month"],
                energy_wh=asked["energy"],
                by=request.user,
                at=timezone.now(),
                reason=asked["reason"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(
                request, "Asked for: somebody else has to approve it.", extra_tags="info"
            )
            return redirect("vending:free-electricity")
    month = free_electricity.month_of(timezone.now())
    known = FreeProgramme.objects.prefetch_related("amounts__approved_by").order_by("title")
    grants = FreeGrant.objects.filter(month=month)
    context = {
        "form": form,
        "month": month,
        "waiting": free_programmes.requests_waiting(),
        "programmes": [
            {
                "programme": one,
                **_taking_part(one, month),
                "given": grants.filter(enrolment__programme=one).count(),
            }
            for one in known
        ],
    }
    return render(request, "vending/free_electricity.html", context)


def _taking_part(programme: FreeProgramme, month: date) -> dict[str, int]:
    """Return how many a month gives something, and how many are enrolled where they left."""
    found = free_electricity.enrolled(month).filter(programme=programme)
    supplied = found.filter(free_electricity.IS_SUPPLIED).count()
    return {"enrolled": supplied, "moved": found.count() - supplied}


@reads_or_posts
@permission_required("vending.view_freeenrolment", raise_exception=True)
def customer(request: PageRequest, customer_id: int) -> HttpResponse:
    """Show a customer's part in programmes, with what was given; enrol them or end it."""
    found = get_object_or_404(Customer, pk=customer_id)
    running = (
        found.agreements.filter(ended_at=None).select_related("premises").order_by("started_at")
    )
    enrolments = list(
        found.free_enrolments.select_related("programme", "premises").order_by("-pk")
    )
    typed: tuple[str, Any] | None = None
    if request.method == "POST":
        typed = _act(request, running, enrolments)
        if typed is None:
            return redirect("vending:free-of-customer", found.pk)
    opened = {one.premises_id for one in enrolments if one.until_month is None}
    context = {
        "customer": found,
        "supplied": {one.premises_id for one in running},
        "enrolments": [(one, _form(EndForm, f"end-{one.pk}", typed)) for one in enrolments],
        "places": [
            (one, _form(EnrolForm, f"enrol-{one.pk}", typed))
            for one in running
            if one.premises_id not in opened
        ],
        "is_any_programme": FreeProgramme.objects.exists(),
        "grants": FreeGrant.objects.filter(customer=found)
        .select_related("agreement__meter", "enrolment__programme")
        .order_by("-month")[:12],
    }
    return render(
        request, "vending/free_customer.html", context, status=422 if typed is not None else 200
    )


@reads_or_posts
@permission_required("vending.grant_free_electricity", raise_exception=True)
@never_cache
def give(request: PageRequest, drn: str) -> HttpResponse:
    """Give a meter's customer the month's free electricity without a purchase."""
    meter = get_object_or_404(Meter, drn=drn)
    now = timezone.now()
    agreement = agreements_in_force().filter(meter=meter).first()
    given, refused = None, ""
    if request.method == "POST":
        try:
            given = free_electricity.grant(meter=meter, by=request.user, at=now, source="page")
        except Refusal as error:
            refused = error.sentence
    context = {
        "meter": meter,
        "agreement": agreement,
        "due": free_electricity.due(agreement, at=now) if agreement else None,
        "earlier": free_electricity.given_this_month(agreement, at=now) if agreement else None,
        "given": given,
        "digits": disclosure.digits_of(given.token) if given else None,
        "refused": refused,
    }
    return render(request, "vending/free_give.html", context, status=422 if refused else 200)


def _act(
    request: PageRequest, running: Any, enrolments: list[FreeEnrolment]
) -> tuple[str, Any] | None:
    """Do what a form asks for; return its prefix and the form if it can't be done."""
    prefix = request.POST.get("form", "")
    verb, _, number = prefix.partition("-")
    form: Any = (EnrolForm if verb == "enrol" else EndForm)(request.POST, prefix=prefix)
    candidates = running if verb == "enrol" else enrolments
    target = next((one for one in candidates if str(one.pk) == number), None)
    if target is None or not form.is_valid():
        return prefix, form
    now = timezone.now()
    try:
        if isinstance(target, SupplyAgreement):
            free_programmes.enrol(
                programme=form.cleaned_data["programme"],
                customer=target.customer,
                premises=target.premises,
                from_month=form.cleaned_data["from_month"],
                by=request.user,
                at=now,
                source="page",
            )
        else:
            free_programmes.end_enrolment(
                target,
                until_month=form.cleaned_data["until_month"],
                by=request.user,
                at=now,
                reason=form.cleaned_data["reason"],
                source="page",
            )
    except Refusal as error:
        form.add_error(None, error.sentence)
        return prefix, form
    return None


def _form(form_class: Any, prefix: str, typed: tuple[str, Any] | None) -> Any:
    if typed is not None and typed[0] == prefix:
        return typed[1]
    month = f"{free_electricity.month_of(timezone.now()):%Y-%m}"
    return form_class(prefix=prefix, initial={"from_month": month})
