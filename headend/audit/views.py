"""The record of who did what: a search, and one object's whole life."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest
from headend.audit import lives, pages
from headend.audit.forms import AuditFilter
from headend.audit.models import AuditEntry

PER_PAGE = 50
_LARGEST_ID = 2**63 - 1

may_search = permission_required("audit.search_audit", raise_exception=True)


@require_safe
@may_search
def search(request: PageRequest) -> HttpResponse:
    """List entries, newest first, with filters."""
    form = AuditFilter(request.GET)
    form.is_valid()  # a field that can't be read shows its error and filters nothing
    wanted = form.cleaned_data
    found = pages.search(
        text=wanted.get("q", ""),
        who=wanted.get("who", ""),
        kind=wanted.get("kind", ""),
        first_day=wanted.get("first_day"),
        last_day=wanted.get("last_day"),
    )
    context = {
        "form": form,
        "filtered": any(wanted.values()),
        "slice": pages.cut(found, before=_before(request), length=PER_PAGE),
        "is_first": _before(request) is None,
    }
    return render(request, "audit/rows.html" if request.htmx else "audit/search.html", context)


@require_safe
@may_search
def life(request: PageRequest, object_type: str, object_id: str) -> HttpResponse:
    """Show everything that happened to an object and to what belongs to it."""
    own = AuditEntry.objects.filter(object_type=object_type, object_id=object_id)
    latest = own.order_by("-pk").first()
    found = lives.of_object(object_type, object_id)
    shown = pages.cut(found, before=_before(request), length=PER_PAGE)
    if latest is None and not shown.entries:
        raise Http404("nothing is recorded of that object")
    return render(
        request,
        "audit/life.html",
        {
            "kind": pages.kind_of(object_type),
            "label": latest.object_label if latest else pages.name_of(object_type, object_id),
            "own": (object_type, object_id),
            "slice": shown,
            "is_first": _before(request) is None,
        },
    )


def _before(request: PageRequest) -> int | None:
    asked = request.GET.get("before", "")
    if asked.isascii() and asked.isdigit() and int(asked) <= _LARGEST_ID:
        return int(asked)
    return None
