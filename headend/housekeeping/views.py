"""The page that says what was checked and tidied when, and how it stands."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest
from headend.config.chores import all_chores
from headend.config.errors import Refusal
from headend.housekeeping import services
from headend.housekeeping.dueness import OVERDUE, due_at
from headend.housekeeping.models import ChoreRecord

may_look = permission_required("housekeeping.view_chorerecord", raise_exception=True)


@require_safe
@may_look
def chores(request: PageRequest) -> HttpResponse:
    """List the chores, when each was done and is due, and what came of it."""
    now, zone = timezone.now(), timezone.get_default_timezone()
    records = {one.name: one for one in ChoreRecord.objects.all()}
    rows = []
    for chore in all_chores():
        record = records.get(chore.name, ChoreRecord(name=chore.name))
        next_at = due_at(chore.schedule, services.last_of(record), at=now, zone=zone)
        rows.append((chore, record, next_at))
    is_asleep = any(
        record.begun_at is not None and next_at < now - OVERDUE for _, record, next_at in rows
    ) or not any(record.begun_at for _, record, _ in rows)
    context = {"rows": rows, "is_asleep": is_asleep, "now": now}
    return render(request, "housekeeping/chores.html", context)


@require_POST
@permission_required("housekeeping.run_chore", raise_exception=True)
def ask(request: PageRequest, name: str) -> HttpResponse:
    """Have a chore done at once."""
    try:
        services.ask_for(name, by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    else:
        messages.success(request, "It will be done in half a minute.", extra_tags="good")
    return redirect("housekeeping:chores")
