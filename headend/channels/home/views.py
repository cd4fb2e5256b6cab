"""The start page: links to one's work, the day so far, and open work items."""

from __future__ import annotations

from django.db.models import Count, Q, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest
from headend.design.navigation import links_for
from headend.fleet.models import MeterLink, WorkItem
from headend.vending.models import Sale
from headend.vending.pages import RECEIVED

WORK_ITEMS_SHOWN = 8


@require_safe
def home(request: PageRequest) -> HttpResponse:
    """Show what the user's role leads to."""
    user = request.user
    page: dict[str, object] = {"links": links_for(request)}
    if user.has_perm("vending.view_sale"):
        midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        today = Sale.objects.standing().filter(created_at__gte=midnight)
        if not user.has_perm("audit.search_audit"):
            today, page["whose"] = today.filter(operator=user), "You today"
        page["today"] = today.aggregate(
            count=Count("pk"),
            tender_minor=Sum("tender_minor", filter=RECEIVED),
            issued_wh=Sum("issued_wh"),
        )
    if user.has_perm("fleet.view_command"):
        page["presence"] = MeterLink.objects.aggregate(
            known=Count("pk"), online=Count("pk", filter=Q(online=True))
        )
    if user.has_perm("fleet.view_workitem"):
        work = WorkItem.objects.filter(closed_at__isnull=True).select_related("meter")
        page["work"] = work.order_by("-opened_at")[:WORK_ITEMS_SHOWN]
    return render(request, "home/home.html", page)
