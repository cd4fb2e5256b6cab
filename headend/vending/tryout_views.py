"""The page that tries a tariff's draft on past sales."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest
from headend.design.chart import NARROW, WIDE, Point, bar_chart
from headend.tariffs.models import TariffDraft
from headend.vending.tryout import Band, TryOut, try_out


@require_safe
@permission_required("tariffs.view_tariffdraft", raise_exception=True)
def try_tariff(request: PageRequest, draft_id: int) -> HttpResponse:
    """Show what the last whole month would have brought, and who would have paid more."""
    draft = get_object_or_404(TariffDraft, pk=draft_id)
    done = try_out(draft, at=timezone.now())
    context = {
        "draft": draft,
        "done": done,
        "charts": _charts(done) if done.differences else [],
        "change_minor": done.after_minor - done.before_minor,
        "section": "tariffs",  # of the navigation: a clerk came from there
    }
    return render(request, "vending/try_tariff.html", context)


def _charts(done: TryOut) -> list[object]:
    """Return the change in percent by use; a chart's thousandths are then percent."""
    points = [_point(band) for band in done.bands]
    return [bar_chart(points, frame) for frame in (WIDE, NARROW)]


def _point(band: Band) -> Point:
    if not band.count:
        return Point(band.title, None, f"{band.title} kWh: nobody")
    change = band.change_tenths
    people = "customer" if band.count == 1 else "customers"
    title = f"{band.title} kWh: {change / 10:+.1f} %, {band.count} {people}"
    return Point(band.title, change * 100, title)
