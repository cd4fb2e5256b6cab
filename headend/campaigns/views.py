"""Pages of key campaigns: list, new campaign, one campaign with its meters, report."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.campaigns import progress, services
from headend.campaigns.forms import CampaignForm, ReasonForm
from headend.campaigns.models import Campaign
from headend.campaigns.selection import Selection
from headend.config.errors import Refusal
from headend.design.chart import NARROW, WIDE, Point, bar_chart

PER_PAGE = 50
SHOWN_DAYS = 31
_FEWEST_TO_DRAW = 5

may_look = permission_required("campaigns.view_campaign", raise_exception=True)
may_run = permission_required(services.RUN, raise_exception=True)


@require_safe
@may_look
@never_cache
def campaigns(request: PageRequest) -> HttpResponse:
    """List key campaigns, newest first, each with how far it is."""
    page = Paginator(Campaign.objects.order_by("-pk"), 20).get_page(request.GET.get("page"))
    rows = [
        (one, _selected(one), progress.in_all(progress.progress(one)), _changes(one))
        for one in page
    ]
    return render(request, "campaigns/list.html", {"page": page, "rows": rows})


@reads_or_posts
@may_run
def new(request: PageRequest) -> HttpResponse:
    """Plan a campaign; nothing begins."""
    form = CampaignForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.plan(
                name=form.cleaned_data["name"],
                changes=form.changes(),
                selection=form.selection(),
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
                pre_code=form.cleaned_data["pre_code"],
                push=form.cleaned_data["push"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("campaigns:campaign", made.pk)
    return render(
        request, "campaigns/new.html", {"form": form}, status=422 if form.is_bound else 200
    )


@require_safe
@may_look
@never_cache
def campaign(request: PageRequest, campaign_id: int) -> HttpResponse:
    """Show how a campaign stands; of a draft, what it would do."""
    found = get_object_or_404(Campaign, pk=campaign_id)
    stage = request.GET.get("stage", "")
    rows = progress.staged(found).select_related("meter", "key_change").order_by("pk")
    if stage in progress.STAGES:
        rows = rows.filter(stage=stage)
    is_draft = found.state == Campaign.State.DRAFT
    return render(
        request,
        "campaigns/campaign.html",
        {
            **_standing(found),
            "tried": services.dry_run(found, at=timezone.now()) if is_draft else None,
            "waiting": services.open_request(found),
            "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
            "stage": stage,
            "stages": progress.STAGES,
            "form": ReasonForm(),
        },
    )


@require_safe
@may_look
@never_cache
def standing(request: PageRequest, campaign_id: int) -> HttpResponse:
    """The part of the page that tells how far a campaign is."""
    found = get_object_or_404(Campaign, pk=campaign_id)
    return render(request, "campaigns/standing.html", _standing(found))


@require_POST
@may_run
def act(request: PageRequest, campaign_id: int) -> HttpResponse:
    """Ask for the start, pause, go on, stop, or try failed meters again; as the button says."""
    found = get_object_or_404(Campaign, pk=campaign_id)
    form, asked, now = ReasonForm(request.POST), request.POST.get("act"), timezone.now()
    if asked not in ("start", *_ACTS):
        raise Http404
    try:
        if asked == "start":
            services.request_start(found, by=request.user, at=now)
            done = "Asked for: somebody else has to approve the start."
        elif form.is_valid():
            do, done = _ACTS[asked]
            do(found, by=request.user, at=now, reason=form.cleaned_data["reason"])
        else:
            messages.error(request, "Say the reason.", extra_tags="danger")
            return redirect("campaigns:campaign", found.pk)
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    else:
        messages.success(request, done, extra_tags="good")
    return redirect("campaigns:campaign", found.pk)


_ACTS: dict[str, tuple[Any, str]] = {
    "pause": (services.pause, "Paused: nothing more is made or sent."),
    "resume": (services.resume, "It goes on."),
    "stop": (services.stop, "Stopped: what nobody was given is taken back."),
    "retry": (services.retry_failed, "The refused meters are tried again."),
}


@require_safe
@may_look
def report(request: PageRequest, campaign_id: int) -> StreamingHttpResponse:
    """Every meter of a campaign as a CSV file."""
    found = get_object_or_404(Campaign, pk=campaign_id)
    answer = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="campaign-{found.pk}.csv"'
    return answer


class _Echo:
    """Hands each line back to who writes it."""

    def write(self, line: str) -> str:
        return line


def _lines(found: Campaign) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for row in progress.sheet(found):
        yield writer.writerow(row)


def _standing(found: Campaign) -> dict[str, Any]:
    groups = progress.progress(found)
    days = progress.confirmed_by_day(found)[-SHOWN_DAYS:]
    # The chart's axis is in thousands, and has no whole numbers below five.
    points = [
        Point(label=f"{day:%d %b}", amount=1000 * count, title=f"{day}: {count} confirmed")
        for day, count in days
    ]
    is_worth_it = any(count >= _FEWEST_TO_DRAW for _, count in days)
    return {
        "campaign": found,
        "selected": _selected(found),
        "changes": _changes(found),
        "groups": groups,
        "all": progress.in_all(groups),
        "failures": progress.failures(found),
        "charts": [bar_chart(points, frame) for frame in (WIDE, NARROW)] if is_worth_it else [],
        "days": days,
        "lives": found.state in (Campaign.State.RUNNING, Campaign.State.STOPPED),
    }


def _selected(found: Campaign) -> str:
    return Selection.of(found.selection).in_words


def _changes(found: Campaign) -> str:
    return services.changes_in_words(found.changes)
