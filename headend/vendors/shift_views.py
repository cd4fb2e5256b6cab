"""Pages of shifts: an operator's own, a vendor's, and one shift from opening to close."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.currencies.queries import accepted_codes
from headend.ledger import chart
from headend.ledger import queries as ledger
from headend.vendors import queries, shifts
from headend.vendors.forms import CashUpForm, CloseForm, OpenShiftForm
from headend.vendors.models import Shift, Till

PER_PAGE = 50
SHOWN = 5

may_look = permission_required("vendors.view_shift", raise_exception=True)
SEES_TILLS = ["vendors.view_vendor", queries.ACT_FOR_UTILITY]


@reads_or_posts
@may_look
@never_cache
def own(request: PageRequest) -> HttpResponse:
    """Show one's own shift, or let one be opened."""
    running = queries.running_shift(request.user)
    if running is not None:
        return redirect("shifts:one", running.pk)
    vendor = queries.vendor_of(request.user)
    is_somebodys = vendor is not None or request.user.has_perm(queries.ACT_FOR_UTILITY)
    tills = queries.free_tills(vendor) if is_somebodys else Till.objects.none()
    others = [] if vendor else accepted_codes()
    form = OpenShiftForm(request.POST or None, tills=tills, others=others)
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            shifts.open_shift(
                till=asked["till"],
                float_minor=asked["float_cash"],
                others=form.others(),
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "Your shift is open.", extra_tags="good")
            return redirect("till:find")
    earlier = queries.shifts_seen_by(request.user).filter(user=request.user)[:SHOWN]
    context = {
        "vendor": vendor,
        "is_somebodys": is_somebodys,
        "form": form,
        "shifts": earlier,
        "tills": tills,
        "sees_tills": vendor is None and request.user.has_perms(SEES_TILLS),
    }
    status = 422 if form.is_bound else 200
    return render(request, "vendors/own_shift.html", context, status=status)


@require_safe
@permission_required(SEES_TILLS, raise_exception=True)
def tills(request: PageRequest) -> HttpResponse:
    """Show the utility's own tills: who is at which, what should be in the drawers, the shifts."""
    if queries.vendor_of(request.user) is not None:
        raise PermissionDenied("only the utility's people see its own tills")
    found = queries.shifts_seen_by(request.user).filter(vendor=None)
    running = {one.till_id: one for one in found.exclude(state=Shift.CLOSED)}
    own_tills = Till.objects.filter(vendor=None).order_by("name")
    context = {
        "tills": [(till, running.get(till.pk)) for till in own_tills],
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "cash": [_cash(code, running.values()) for code in queries.currencies_of_cash()],
    }
    return render(request, "vendors/tills.html", context)


def _cash(currency: str, running: Iterable[Shift]) -> dict[str, object]:
    """Return where the cash of one currency is."""
    expected = (one.expected_in(currency) for one in running)
    return {
        "currency": currency,
        "drawers_minor": sum(expected),
        "safe_minor": ledger.balance_minor(chart.CASH_IN_SAFE, currency),
        "differences_minor": -ledger.balance_minor(chart.CASH_DIFFERENCES, currency),
        "safe": chart.CASH_IN_SAFE,
    }


@require_safe
@permission_required("vendors.view_vendor", raise_exception=True)
def shifts_of(request: PageRequest, vendor_id: int) -> HttpResponse:
    """List a vendor's shifts, latest first."""
    vendor = get_object_or_404(queries.vendors_seen_by(request.user), pk=vendor_id)
    found = queries.shifts_seen_by(request.user).filter(vendor=vendor)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "vendors/shifts.html", {"vendor": vendor, "page": page})


@reads_or_posts
@may_look
@never_cache
def one(request: PageRequest, shift_id: int) -> HttpResponse:
    """Show one shift; count its cash or close it."""
    shift = get_object_or_404(queries.shifts_seen_by(request.user), pk=shift_id)
    is_own = shift.user_id == request.user.pk
    is_posted = request.method == "POST"
    counting = CashUpForm(
        request.POST if is_posted and "count" in request.POST else None,
        others=queries.currencies_counted(shift),
    )
    closing = CloseForm(request.POST if is_posted and "close" in request.POST else None)
    bound: forms.Form = counting if counting.is_bound else closing
    if bound.is_bound and bound.is_valid():
        try:
            if bound is counting:
                counted_minor = counting.cleaned_data["counted"]
                shifts.cash_up(
                    shift,
                    counted_minor=counted_minor,
                    others=counting.others(),
                    by=request.user,
                    at=timezone.now(),
                )
            else:
                note = closing.cleaned_data["note"]
                shifts.close(shift, by=request.user, at=timezone.now(), note=note)
        except Refusal as error:
            bound.add_error(None, error.sentence)
        else:
            return redirect("shifts:one", shift.pk)
    is_insider = queries.vendor_of(request.user) == shift.vendor  # nobody's is the utility's
    may_close_any = is_insider and request.user.has_perm("vendors.close_any_shift")
    is_right = not shift.differs
    context = {
        "shift": shift,
        "drawer": [shift, *shift.others.all()],
        "is_own": is_own,
        "counting": counting if is_own and shift.state != Shift.CLOSED else None,
        "closing": closing
        if shift.state == Shift.COUNTED and (is_right if is_own else may_close_any)
        else None,
        "needs_manager": is_own and shift.state == Shift.COUNTED and not is_right,
    }
    return render(request, "vendors/shift.html", context, status=422 if bound.is_bound else 200)
