"""A meter's tokens and key: what can be issued, what was issued, and its key changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.models import Approval
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.engineering import key_orders, services
from headend.engineering.acts import ACT_NAMES
from headend.engineering.errors import NotReplaceable
from headend.engineering.forms import KeyChangeForm, ReasonForm, TokenForm
from headend.engineering.kinds import KINDS, Kind
from headend.fleet import pages as fleet_pages
from headend.meters.keys import CHANGEABLE
from headend.meters.models import KeyChange, Meter
from headend.vending import key_changes, key_evidence
from headend.vending.models import IssuedToken
from headend.vendors.queries import vendor_of
from shared.sts.token import METER_CLASS

PER_PAGE = 30
RECENT = 5
View = Callable[..., HttpResponse]


def engineers_only(view: View) -> View:
    """Let only the utility's people open a page who may see engineering tokens."""

    @permission_required("engineering.view_engineeringtoken", raise_exception=True)
    @never_cache
    @wraps(view)
    def guarded(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if vendor_of(request.user) is not None:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@engineers_only
def meter(request: PageRequest, drn: str) -> HttpResponse:
    """What can be issued for a meter, its key, and every token made for it."""
    found = get_object_or_404(Meter, drn=drn)
    page = Paginator(_tokens(found), PER_PAGE).get_page(request.GET.get("page"))
    waiting = services.waiting_for(found, ACT_NAMES)
    return render(
        request,
        "engineering/meter.html",
        {
            **_whose(found),
            "kinds": [kind for kind in KINDS.values() if request.user.has_perm(kind.permission)],
            "waiting": waiting,
            "key_waits": any(one.act == key_orders.KEY_CHANGE_ACT for one in waiting),
            "change": key_changes.under_way(found),
            "changes": found.key_changes.order_by("-pk"),
            "page": page,
        },
    )


@require_safe
@engineers_only
def recent(request: PageRequest, drn: str) -> HttpResponse:
    """The last tokens of a meter, as a part of its page."""
    found = get_object_or_404(Meter, drn=drn)
    context = {
        "meter": found,
        "page": _tokens(found)[:RECENT],
        "change": key_changes.under_way(found),
        "waiting": services.waiting_for(found, ACT_NAMES),
    }
    return render(request, "engineering/recent.html", context)


@reads_or_posts
@engineers_only
def order(request: PageRequest, drn: str, slug: str) -> HttpResponse:
    """Fill in and confirm one kind of token, then order it."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Http404
    if not request.user.has_perm(kind.permission):
        raise PermissionDenied
    found = get_object_or_404(Meter, drn=drn)
    form = TokenForm(request.POST if request.method == "POST" else None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            ordered = services.order(
                kind,
                found,
                form.values(kind),
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
                source="page",
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return _after(request, found, ordered)
    context = {**_whose(found), "kind": kind, "form": form}
    return render(request, "engineering/order.html", context, status=422 if form.is_bound else 200)


@require_safe
@engineers_only
def token(request: PageRequest, token_id: int) -> HttpResponse:
    """Show a token that is no sale: its digits, what it does, and whether it arrived."""
    made = get_object_or_404(_all_tokens(), pk=token_id)
    if made.sale is not None:
        return redirect("vending:sale", made.sale.receipt_number)
    if made.key_change_id is not None:
        return redirect("engineering:key-change", made.key_change_id)
    ordered = getattr(made, "engineering", None)
    kind: Kind | None = KINDS.get(ordered.kind) if ordered else None
    context = {
        **_whose(made.meter),
        "token": made,
        "ordered": ordered,
        "kind": kind,
        "may_send": kind is None or kind.sends,
        "key_first": _key_first(made),
    }
    return render(request, "engineering/token.html", context)


@require_POST
@engineers_only
def send(request: PageRequest, token_id: int) -> HttpResponse:
    """Send a token to its meter."""
    made = get_object_or_404(IssuedToken, pk=token_id)
    _try(request, lambda: services.send(made, by=request.user, at=timezone.now()), "Queued.")
    return redirect("engineering:token", made.pk)


@reads_or_posts
@engineers_only
def change_key(request: PageRequest, drn: str) -> HttpResponse:
    """Ask for a meter's key to be changed."""
    if not request.user.has_perm(key_orders.PERMISSION):
        raise PermissionDenied
    found = get_object_or_404(Meter, drn=drn)
    form = KeyChangeForm(request.POST if request.method == "POST" else None, meter=found)
    if request.method == "POST" and form.is_valid():
        try:
            approval = key_orders.order(
                found,
                form.changes(),
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
                token_count=form.cleaned_data["token_count"],
                source="page",
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return _after(request, found, services.Ordered(approval=approval))
    return render(
        request,
        "engineering/change_key.html",
        {**_whose(found), "form": form},
        status=422 if form.is_bound else 200,
    )


@require_safe
@engineers_only
def key_change(request: PageRequest, change_id: int) -> HttpResponse:
    """Show a key change: what alters, its tokens in order, and how it ended."""
    found = get_object_or_404(
        KeyChange.objects.select_related("meter", "prepared_by"), pk=change_id
    )
    tokens = [
        one for one in _all_tokens().filter(key_change=found, sale=None).order_by("position")
    ]
    alters = [
        (key_orders.NAMES[name], found.before[name], found.after[name]) for name in CHANGEABLE
    ]
    is_open = found.state in key_changes.UNDER_WAY
    return render(
        request,
        "engineering/key_change.html",
        {
            **_whose(found.meter),
            "change": found,
            "alters": alters,
            "tokens": tokens if found.issued_at else [],
            "form": ReasonForm(),
            "is_issued": found.state == KeyChange.State.ISSUED,
            "is_open": is_open,
            "may_change": key_changes.can_be_withdrawn(found)
            and request.user.has_perm(key_orders.PERMISSION),
            "worthless": _worthless(found),
        },
    )


@require_POST
@engineers_only
def end_key_change(request: PageRequest, change_id: int) -> HttpResponse:
    """Send a key change, note that it was entered, or take it back; as the button says."""
    found = get_object_or_404(KeyChange.objects.select_related("meter"), pk=change_id)
    now, by = timezone.now(), request.user
    form = ReasonForm(request.POST)
    match request.POST.get("act"):
        case "send":
            _try(request, lambda: key_orders.send(found, by=by, at=now), "Queued to the meter.")
        case "entered" | "withdraw" if not form.is_valid():
            messages.error(request, "Say the reason.", extra_tags="danger")
        case "entered":
            reason = form.cleaned_data["reason"]
            _try(
                request,
                lambda: key_orders.mark_entered(found, by=by, at=now, reason=reason),
                "Noted: the meter has its new key.",
            )
        case "withdraw":
            reason = form.cleaned_data["reason"]
            _try(
                request,
                lambda: key_orders.withdraw(found, by=by, at=now, reason=reason),
                "Taken back: the meter goes on under its old key.",
            )
        case _:
            raise Http404
    return redirect("engineering:key-change", found.pk)


@reads_or_posts
@engineers_only
def replace(request: PageRequest, token_id: int) -> HttpResponse:
    """Ask for credit to be made again under the key that its meter still has."""
    if not request.user.has_perm("engineering.issue_replacement"):
        raise PermissionDenied
    made = get_object_or_404(_all_tokens(), pk=token_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            approval = services.order_replacement(
                made,
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
                source="page",
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return _after(request, made.meter, services.Ordered(approval=approval))
    return render(
        request,
        "engineering/replace.html",
        {
            **_whose(made.meter),
            "token": made,
            "form": form,
            "has_new_key": services.is_lost_to_new_key(made),
        },
        status=422 if form.is_bound else 200,
    )


def _after(request: PageRequest, found: Meter, ordered: services.Ordered) -> HttpResponse:
    if ordered.token is not None:
        return redirect("engineering:token", ordered.token.pk)
    messages.info(request, "Asked for: somebody else has to approve it.", extra_tags="info")
    return redirect("engineering:meter", found.drn)


def _try(request: PageRequest, act: Callable[[], Any], done: str) -> None:
    try:
        act()
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    else:
        messages.success(request, done, extra_tags="good")


def _whose(found: Meter) -> dict[str, Any]:
    agreement = fleet_pages.served_by([found], at=timezone.now()).get(found.pk)
    return {"meter": found, "agreement": agreement, "link": getattr(found, "link", None)}


def _all_tokens() -> QuerySet[IssuedToken]:
    return IssuedToken.objects.select_related(
        "meter", "sale", "issued_by", "engineering__approved_by"
    ).prefetch_related("deliveries__command")


def _tokens(found: Meter) -> QuerySet[IssuedToken]:
    return _all_tokens().filter(meter=found).order_by("-pk")


def _key_first(made: IssuedToken) -> KeyChange | None:
    """Return the key change whose tokens the meter needs before this one, if it lacks them."""
    change = key_changes.under_way(made.meter)
    if change is None or change.issued_at is None or made.token_class == METER_CLASS:
        return None
    counts_on_it = made.krn == change.after["krn"] and made.issued_at >= change.issued_at
    return change if counts_on_it else None


def _worthless(change: KeyChange) -> list[IssuedToken]:
    """Return the credit that the meter does not take: sold on a key that it has not, or had."""
    if change.state == KeyChange.State.ENTERED and change.issued_at is not None:
        since = change.issued_at - key_evidence.CREDIT_SINCE
        missed = key_evidence.worthless_under(change, since=since)
        return [one for one in reversed(missed) if _is_replaceable(one)]
    if change.state not in (KeyChange.State.ISSUED, KeyChange.State.WITHDRAWN):
        return []
    sold = _all_tokens().filter(meter=change.meter, token_class=0).order_by("pk")
    sold = sold.filter(issued_at__gte=change.issued_at) if change.issued_at else sold.none()
    if change.ended_at is not None:
        sold = sold.filter(issued_at__lte=change.ended_at)
    return [one for one in sold if _is_replaceable(one)]


def _is_replaceable(one: IssuedToken) -> bool:
    try:
        services.missed_change(one)
    except NotReplaceable:
        return False
    waiting = Approval.objects.filter(
        act=services.REPLACE_ACT, state=Approval.OPEN, arguments__token=one.pk
    )
    return not waiting.exists()
