"""Pages of webhooks: the list, one with its deliveries, given-up events, replay."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.programs import program_named
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.webhooks import queries, services
from headend.webhooks.forms import NewWebhookForm, SinceForm, WebhookForm
from headend.webhooks.models import Delivery, Subscription

PER_PAGE = 50

may_look = permission_required("webhooks.view_subscription", raise_exception=True)
may_manage = permission_required("webhooks.manage_webhooks", raise_exception=True)


@require_safe
@may_look
def webhooks(request: PageRequest) -> HttpResponse:
    """List webhooks: living ones first."""
    found = list(queries.webhooks())
    found.sort(key=lambda one: one.state == Subscription.State.ENDED)
    dead = queries.deliveries(state=Delivery.State.DEAD).count()
    return render(request, "webhooks/list.html", {"webhooks": found, "dead": dead})


@reads_or_posts
@may_manage
@never_cache
def new(request: PageRequest) -> HttpResponse:
    """Create a webhook, and show its secret this once."""
    form = NewWebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        try:
            made = services.subscribe(
                program=program_named(wanted["program"]),
                name=wanted["name"],
                url=wanted["url"],
                kinds=wanted["kinds"],
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return _secret(request, made)
    return render(request, "webhooks/edit.html", {"form": form})


@require_safe
@may_look
def webhook(request: PageRequest, webhook_id: int) -> HttpResponse:
    """Show one webhook and how its deliveries went; `state` narrows them."""
    found = get_object_or_404(queries.webhooks(), pk=webhook_id)
    state = request.GET.get("state", "")
    rows = queries.deliveries(state=state).filter(subscription=found)
    context = {
        "webhook": found,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "state": state,
        "states": Delivery.State.values,
        "form": SinceForm(),
        "lives": found.state != Subscription.State.ENDED,
        "old_secret_valid": bool(
            found.old_secret_until and timezone.now() < found.old_secret_until
        ),
        "rests": bool(found.resting_until and timezone.now() < found.resting_until),
    }
    return render(request, "webhooks/webhook.html", context)


@reads_or_posts
@may_manage
def change(request: PageRequest, webhook_id: int) -> HttpResponse:
    """Change name, address or kinds."""
    found = get_object_or_404(queries.webhooks(), pk=webhook_id)
    asked = {"name": found.name, "url": found.url, "kinds": found.kinds}
    form = WebhookForm(request.POST or None, initial=asked)
    if request.method == "POST" and form.is_valid():
        try:
            services.change(found, **form.cleaned_data, by=request.user, at=timezone.now())
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "It is changed from now on.", extra_tags="good")
            return redirect("webhooks:webhook", found.pk)
    return render(request, "webhooks/edit.html", {"form": form, "webhook": found})


@reads_or_posts
@may_manage
@never_cache
def exchange(request: PageRequest, webhook_id: int) -> HttpResponse:
    """Ask, then make a new secret and show it this once."""
    found = get_object_or_404(queries.webhooks(), pk=webhook_id)
    if request.method == "POST":
        try:
            made = services.exchange_secret(found, by=request.user, at=timezone.now())
        except Refusal as error:
            messages.error(request, error.sentence, extra_tags="danger")
            return redirect("webhooks:webhook", found.pk)
        return _secret(request, made)
    return render(request, "webhooks/exchange.html", {"webhook": found})


@require_safe
@may_manage
def end(request: PageRequest, webhook_id: int) -> HttpResponse:
    """Ask whether a webhook shall really end."""
    found = get_object_or_404(queries.webhooks(), pk=webhook_id)
    return render(request, "webhooks/end.html", {"webhook": found})


_ACTS: dict[str, tuple[Any, str]] = {
    "pause": (services.pause, "Paused: events are kept and sent when it goes on."),
    "resume": (services.resume, "It goes on; what was kept is sent first."),
    "end": (services.end, "Ended. Nothing is sent by it any more."),
    "test": (services.send_test, "A test event is on its way; look below in a moment."),
}


@require_POST
@may_manage
def act(request: PageRequest, webhook_id: int, verb: str) -> HttpResponse:
    """Pause, resume, end or test a webhook."""
    found = get_object_or_404(queries.webhooks(), pk=webhook_id)
    if verb not in _ACTS:
        raise Http404
    do, done = _ACTS[verb]
    try:
        do(found, by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    else:
        messages.success(request, done, extra_tags="good")
    return redirect("webhooks:webhook", found.pk)


@require_POST
@may_manage
def replay(request: PageRequest, webhook_id: int) -> HttpResponse:
    """Send again: what was given up, or all since an instant."""
    found = get_object_or_404(queries.webhooks(), pk=webhook_id)
    form = SinceForm(request.POST)
    if "since" in request.POST and not form.is_valid():
        messages.error(request, "Say since when, with day and time.", extra_tags="danger")
        return redirect("webhooks:webhook", found.pk)
    since = form.cleaned_data["since"] if "since" in request.POST else None
    return _replayed(request, found, services.which_again(found, since=since))


@require_safe
@may_look
def dead(request: PageRequest) -> HttpResponse:
    """List what was given up, of all webhooks."""
    rows = queries.deliveries(state=Delivery.State.DEAD)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "webhooks/dead.html", {"page": page})


@reads_or_posts
@may_look
def delivery(request: PageRequest, delivery_id: int) -> HttpResponse:
    """Show one delivery with exactly what is sent; send it again."""
    found = get_object_or_404(queries.deliveries(), pk=delivery_id)
    webhook = found.subscription
    if request.method == "POST":
        if not request.user.has_perm(services.MANAGE):
            messages.error(request, "Only who manages webhooks sends again.", extra_tags="danger")
            return redirect("webhooks:delivery", found.pk)
        return _replayed(request, webhook, webhook.deliveries.filter(pk=found.pk))
    body = json.dumps(json.loads(found.event.body), indent=2, ensure_ascii=False)
    context = {
        "delivery": found,
        "webhook": webhook,
        "body": body,
        "lives": webhook.state != Subscription.State.ENDED,
    }
    return render(request, "webhooks/delivery.html", context)


def _replayed(request: PageRequest, webhook: Subscription, which: Any) -> HttpResponse:
    try:
        queued = services.replay(webhook, which, by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    else:
        messages.success(request, f"{queued} on the way again.", extra_tags="good")
    return redirect("webhooks:webhook", webhook.pk)


def _secret(request: PageRequest, made: services.NewSecret) -> HttpResponse:
    context = {"webhook": made.webhook, "text": made.text}
    return render(request, "webhooks/secret.html", context)
