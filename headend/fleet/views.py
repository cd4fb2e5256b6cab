"""The list of meters, one meter's page, and the confirm pages of its commands."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.design.paging import LongList
from headend.fleet import acts, orders, pages, queries, services, wording, work_items
from headend.fleet.consumption import PERIODS
from headend.fleet.models import Command, WorkItem
from headend.meters.models import Meter

PER_PAGE = 50

may_look = permission_required("meters.view_meter", raise_exception=True)


@require_safe
@may_look
def meters(request: PageRequest) -> HttpResponse:
    """List meters with their balance and presence; `q` searches, `only` filters."""
    now = timezone.now()
    text, only = request.GET.get("q", ""), request.GET.get("only", "")
    page = LongList(pages.find_meters(text, only=only), PER_PAGE).get_page(request.GET.get("page"))
    served = pages.served_by(list(page), at=now)
    context = {
        "q": text,
        "only": only,
        "filters": [(name, title) for name, (title, _) in pages.FILTERS.items()],
        "page": page,
        "rows": [(one, served.get(one.pk)) for one in page],
    }
    return render(request, "fleet/rows.html" if request.htmx else "fleet/meters.html", context)


@require_safe
@may_look
def meter(request: PageRequest, drn: str) -> HttpResponse:
    """Show one meter: how it stands, what it used, what was asked of it and what it reported."""
    found, context = _meter(drn)
    return render(
        request,
        "fleet/meter.html",
        {
            **context,
            **_usage(request, context),
            **_activity(request, found),
            "served": pages.served_before(found),
            "waiting": acts.adjustments_waiting(found),
            "work": queries.work_items_of(found),
            "orders": orders.for_meter(found, context["state"], may=request.user.has_perm),
        },
    )


@require_safe
@may_look
def live(request: PageRequest, drn: str) -> HttpResponse:
    """The part of the meter page that shows how it stands."""
    return render(request, "fleet/live.html", _meter(drn)[1])


@require_safe
@may_look
def activity(request: PageRequest, drn: str) -> HttpResponse:
    """The part of the meter page with its commands and events."""
    found, context = _meter(drn)
    return render(request, "fleet/activity.html", {**context, **_activity(request, found)})


@require_safe
@may_look
def usage(request: PageRequest, drn: str) -> HttpResponse:
    """The part of the meter page with its charts."""
    context = _meter(drn)[1]
    return render(request, "fleet/usage.html", {**context, **_usage(request, context)})


@reads_or_posts
@may_look
def order(request: PageRequest, drn: str, slug: str) -> HttpResponse:
    """Confirm a command, then queue it."""
    chosen = orders.ORDERS.get(slug)
    if chosen is None:
        raise Http404
    if not request.user.has_perm(chosen.permission):
        raise PermissionDenied
    found, context = _meter(drn)
    typed = request.POST if request.method == "POST" else None
    form = chosen.form(typed, required=chosen.needs_reason)
    if form.is_valid():
        try:
            said = _give(chosen, found, request, form.cleaned_data)
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.info(request, said)
            return redirect("fleet:meter", found.drn)
    context |= {"order": chosen, "form": form}
    return render(request, "fleet/order.html", context, status=422 if form.is_bound else 200)


@reads_or_posts
@may_look
@permission_required("fleet.command_meter", raise_exception=True)
def cancel(request: PageRequest, drn: str, command_id: uuid.UUID) -> HttpResponse:
    """Confirm that a waiting command is called back, then do it."""
    found, context = _meter(drn)
    command = get_object_or_404(Command, meter=found, public_id=command_id)
    if request.method == "POST":
        try:
            services.cancel(command=command, cancelled_by=request.user)
        except Refusal as error:
            messages.error(request, error.sentence, extra_tags="danger")
        else:
            messages.success(request, "Called back before it was sent.", extra_tags="good")
        return redirect("fleet:meter", found.drn)
    title = orders.title_of(command)
    return render(request, "fleet/cancel.html", {**context, "command": command, "title": title})


@require_POST
@may_look
def close_work_item(request: PageRequest, item_id: int) -> HttpResponse:
    """Mark something that somebody had to look at as dealt with."""
    item = get_object_or_404(WorkItem, pk=item_id)
    try:
        work_items.close_work_item(item=item, closed_by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    return redirect("home")


def _give(chosen: orders.Order, meter: Meter, request: PageRequest, asked: dict[str, Any]) -> str:
    """Give an order, or ask for its approval; return what to tell who gave it."""
    now, reason = timezone.now(), asked["reason"]
    if chosen.needs_approval:
        approval = acts.request_adjustment(
            meter,
            chosen.arguments(now, asked)["amount_wh"],
            by=request.user,
            at=now,
            reason=reason,
        )
        return f"{approval.summary}: somebody else has to approve it."
    orders.give(chosen, meter, asked, by=request.user, at=now, reason=reason)
    return f"{chosen.title}: queued for meter {meter.drn}."


def _meter(drn: str) -> tuple[Meter, dict[str, Any]]:
    found = get_object_or_404(Meter.objects.select_related("state", "link"), drn=drn)
    state = getattr(found, "state", None)
    return found, {
        "meter": found,
        "agreement": pages.served_by([found], at=timezone.now()).get(found.pk),
        "state": state,
        "link": getattr(found, "link", None),
        "open_reasons": wording.open_reasons(state.open_reasons) if state else "",
    }


def _usage(request: PageRequest, context: dict[str, Any]) -> dict[str, Any]:
    agreement = context["agreement"]
    return {
        "usage": pages.usage(
            context["meter"],
            request.GET.get("period", "day"),
            threshold_wh=agreement.low_credit_threshold_wh if agreement else None,
        ),
        "periods": PERIODS.values(),
    }


def _activity(request: PageRequest, meter: Meter) -> dict[str, Any]:
    history = pages.history(meter, seen_by=request.user)
    return {"history": history, "happenings": pages.happenings(meter)}
