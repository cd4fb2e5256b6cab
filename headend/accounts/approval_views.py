"""Pages of requests that wait for a second person."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from headend.accounts import approvals, people_acts
from headend.accounts.errors import UnknownAct
from headend.accounts.forms import DecisionForm
from headend.accounts.models import Approval, User
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.design import navigation, records

PER_PAGE = 50
STAYS_OPEN = (
    "Nothing was done, and the request stays open: approve it when this is no longer in the way, "
    "or refuse it."
)

may_look = permission_required("accounts.view_approval", raise_exception=True)


@navigation.count("approvals")
def waiting_for(user: User) -> int:
    """Return how many requests of others the user may decide."""
    return approvals.to_decide(user).count()


@require_safe
@may_look
@never_cache
def requests(request: PageRequest) -> HttpResponse:
    """List what this user may decide or only see, what they asked for, and what was decided."""
    user = request.user
    waiting = approvals.seen_by(user).filter(state=Approval.OPEN).order_by("requested_at", "pk")
    to_decide = approvals.to_decide(user).order_by("requested_at", "pk")
    of_others = waiting.exclude(requested_by=user).exclude(pk__in=to_decide.values("pk"))
    decided = approvals.seen_by(user).exclude(state=Approval.OPEN).order_by("-decided_at", "-pk")
    page = Paginator(decided, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "accounts/inbox.html",
        {
            "to_decide": [_titled(one) for one in to_decide],
            "of_others": [_titled(one) for one in of_others],
            "own": [_titled(one) for one in waiting.filter(requested_by=user)],
            "decided": [_titled(one) for one in page],
            "page": page,
        },
    )


@reads_or_posts
@may_look
@never_cache
def one(request: PageRequest, approval_id: int) -> HttpResponse:
    """Show one request; approve, refuse or withdraw it."""
    user = request.user
    approval = get_object_or_404(approvals.seen_by(user), pk=approval_id)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            done = _decide(form, approval, user)
        except Refusal as error:
            form.add_error(None, error.sentence)
            if approvals.to_decide(user).filter(pk=approval.pk).exists():
                form.add_error(None, STAYS_OPEN)
        else:
            messages.success(request, f"{done}: {approval.summary}", extra_tags="good")
            return redirect("approvals:inbox")
    is_open = approval.state == Approval.OPEN
    is_own = approval.requested_by == user
    may_approve = approval.act in approvals.acts_approved_by(user)
    context = {
        "approval": approval,
        "title": _titled(approval)[1],
        "arguments": records.fields(approval.arguments),
        "form": form,
        "may_decide": approvals.to_decide(user).filter(pk=approval.pk).exists(),
        "may_withdraw": is_open and is_own,
        "deciders": _deciders(approval) if is_open else [],
        "more": _more(approval) if may_approve or is_own else "",
    }
    status = 422 if form.is_bound else 200
    return render(request, "accounts/request.html", context, status=status)


def _decide(form: DecisionForm, approval: Approval, user: User) -> str:
    """Do what was chosen; return it as a word for the message."""
    reason, now = form.cleaned_data["reason"], timezone.now()
    match form.cleaned_data["decision"]:
        case "approve":
            approvals.approve(approval, user, now)
            return "Approved and done"
        case "refuse":
            approvals.refuse(approval, user, now, reason)
            return "Refused"
        case _:
            approvals.withdraw(approval, user, now, reason)
            return "Withdrawn"


def _titled(approval: Approval) -> tuple[Approval, str]:
    try:
        return approval, approvals.act_named(approval.act).title
    except UnknownAct:
        return approval, approval.act


def _more(approval: Approval) -> str:
    """Return the address of the page that shows what is asked for; empty if there is none."""
    try:
        page = approvals.act_named(approval.act).page
    except UnknownAct:
        return ""
    return reverse(page[0], args=[approval.arguments[page[1]]]) if page else ""


def _deciders(approval: Approval) -> list[User]:
    """Return who could decide; nobody decides on what concerns themselves."""
    try:
        found = approvals.deciders(approval)
    except UnknownAct:
        return []
    concerned = people_acts.concerns(approval)
    return [one for one in found if one.pk != concerned]
