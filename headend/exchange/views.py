"""Pages of sheets: upload, progress, results of rows, and exports."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import NotPermitted, Refusal
from headend.exchange import exports, jobs, kinds
from headend.exchange.errors import JobNotFound, UnknownKind
from headend.exchange.exportable import EXPORTS
from headend.exchange.forms import PeriodForm, SheetForm
from headend.exchange.models import Job, RowResult, Sheet

RECENT = 20
PER_PAGE = 50
_XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@login_required
def overview(request: PageRequest) -> HttpResponse:
    """Show what may be imported and exported, and the latest runs."""
    offered = [kind for kind in kinds.KINDS.values() if jobs.may_import(request.user, kind)]
    registers = [one for one in EXPORTS.values() if exports.may_export(request.user, one)]
    recent = jobs.visible_to(request.user)[:RECENT]
    if not (offered or registers or recent):
        raise PermissionDenied
    context = {"kinds": offered, "exports": registers, "jobs": recent}
    return render(request, "exchange/overview.html", context)


@reads_or_posts
@login_required
def new(request: PageRequest, kind_name: str) -> HttpResponse:
    """Take a sheet; it is tried first."""
    kind = _kind(request, kind_name)
    is_sent = request.method == "POST"
    form = SheetForm(request.POST, request.FILES) if is_sent else SheetForm()
    if is_sent and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            made = jobs.hand_in(
                kind.name,
                file,
                file_name=file.name,
                dry_run=True,
                by=request.user,
                at=timezone.now(),
                source="page",
            )
        except Refusal as error:
            form.add_error("file", error.sentence)
        else:
            return redirect("exchange:job", made.pk)
    return render(
        request,
        "exchange/new.html",
        {"kind": kind, "form": form},
        status=422 if form.is_bound else 200,
    )


@require_safe
@login_required
@never_cache
def job(request: PageRequest, job_id: int) -> HttpResponse:
    """Show how far a run is and what became of its rows; `outcome` narrows them."""
    found = _job(request, job_id)
    counts = jobs.counts(found)
    outcome = request.GET.get("outcome", "")
    rows = RowResult.objects.filter(job=found).order_by("row")
    if outcome in counts:
        rows = rows.filter(outcome=outcome)
    kind = kinds.KINDS.get(found.sheet.kind)
    in_earnest = found.sheet.jobs.filter(dry_run=False).first()
    context = {
        "job": found,
        "kind": kind,
        "counts": counts,
        "outcome": outcome if outcome in counts else "",
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "in_earnest": in_earnest if found.dry_run else None,
        "may_mend": counts["error"] > 0 and jobs.may_mend(found, request.user),
        "may_stop": not found.is_finished and jobs.may_stop(found, request.user),
        "may_import": found.dry_run
        and found.state == Job.State.DONE
        and in_earnest is None
        and kind is not None
        and jobs.may_import(request.user, kind)
        and counts["added"] + counts["changed"] > 0,
    }
    whole = "exchange/progress.html" if request.htmx else "exchange/job.html"
    return render(request, whole, context)


@require_safe
@login_required
def results(request: PageRequest, job_id: int) -> HttpResponseBase:
    """Give what became of each row as a sheet."""
    found = _job(request, job_id)
    return _csv(jobs.result_rows(found), f"import-{found.pk}")


@require_safe
@login_required
def refused(request: PageRequest, job_id: int) -> HttpResponseBase:
    """Give the rows that were refused, to be mended and handed in again."""
    found = _job(request, job_id)
    try:
        jobs.begin_refused(found, by=request.user, at=timezone.now(), source="page")
    except NotPermitted:
        raise PermissionDenied from None
    except Refusal as error:
        raise Http404(error.sentence) from None
    return _csv(jobs.refused_rows(found), f"refused-{found.pk}")


@require_POST
@login_required
def import_tried(request: PageRequest, job_id: int) -> HttpResponse:
    """Import in earnest what was tried."""
    tried = _job(request, job_id)
    try:
        made = jobs.import_tried(tried, by=request.user, at=timezone.now(), source="page")
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
        return redirect("exchange:job", tried.pk)
    return redirect("exchange:job", made.pk)


@require_POST
@login_required
def stop(request: PageRequest, job_id: int) -> HttpResponse:
    """Stop a run where it is."""
    found = _job(request, job_id)
    try:
        jobs.stop(found, by=request.user, at=timezone.now(), reason="stopped on its page")
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    return redirect("exchange:job", found.pk)


@require_safe
@login_required
def template(request: PageRequest, kind_name: str, file_format: str) -> HttpResponseBase:
    """Give an empty sheet of a kind, with one row that shows how cells are written."""
    kind = _kind(request, kind_name)
    return _sheet(exports.template(kind.name), f"{kind.name}-template", file_format)


@require_safe
@login_required
def export(request: PageRequest, name: str, file_format: str) -> HttpResponseBase:
    """Give a register as a sheet, of a period if one is named."""
    period = PeriodForm(request.GET)
    if not period.is_valid():
        raise Http404
    try:
        wanted = exports.export_named(name)
    except UnknownKind as error:
        raise Http404(str(error)) from None
    if file_format not in Sheet.Format.values:
        raise Http404
    try:
        found = exports.begin(
            wanted, by=request.user, at=timezone.now(), source="page", **period.cleaned_data
        )
    except Refusal:
        raise PermissionDenied from None
    today = timezone.localdate()
    return _sheet(exports.rows(wanted, found), f"{wanted.name}-{today}", file_format)


def _sheet(rows: exports.Rows, name: str, file_format: str) -> HttpResponseBase:
    if file_format == Sheet.Format.CSV:
        return _csv(rows, name)
    if file_format != Sheet.Format.XLSX:
        raise Http404
    return FileResponse(
        exports.as_xlsx(rows), as_attachment=True, filename=f"{name}.xlsx", content_type=_XLSX_TYPE
    )


def _csv(rows: exports.Rows, name: str) -> HttpResponseBase:
    return StreamingHttpResponse(
        exports.as_csv(rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _kind(request: PageRequest, name: str) -> Any:
    try:
        kind = kinds.kind_named(name)
    except UnknownKind as error:
        raise Http404(str(error)) from None
    if not jobs.may_import(request.user, kind):
        raise PermissionDenied
    return kind


def _job(request: PageRequest, job_id: int) -> Job:
    try:
        return jobs.job_numbered(job_id, seen_by=request.user)
    except JobNotFound as error:
        raise Http404(str(error)) from None
