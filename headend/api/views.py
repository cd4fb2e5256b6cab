"""The page on which API keys are created, seen and revoked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.api import keys
from headend.api.forms import KeyForm, RevokeForm
from headend.api.models import ApiKey
from headend.config.errors import Refusal

may_manage = permission_required("api.manage_keys", raise_exception=True)


@require_safe
@may_manage
def key_list(request: PageRequest) -> HttpResponse:
    """List keys: living ones first, then those that have ended."""
    now = timezone.now()
    keys_made = ApiKey.objects.select_related("program__vendor_operator__vendor", "created_by")
    found = list(keys_made.order_by("-pk"))
    rows = [(key, _state(key, now)) for key in found]
    rows.sort(key=lambda row: row[1] != "active")
    return render(request, "api/keys.html", {"rows": rows})


@reads_or_posts
@may_manage
@never_cache
def new_key(request: PageRequest) -> HttpResponse:
    """Create a key, and show it this once."""
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wanted, now = form.cleaned_data, timezone.now()
        try:
            made = keys.create_key(
                program=wanted["program"],
                name=wanted["name"],
                scopes=wanted["scopes"],
                by=request.user,
                at=now,
                expires_at=now + timedelta(days=wanted["days"]),
                largest_tender_minor=wanted["largest_tender"],
                daily_tender_minor=wanted["daily_tender"],
                requests_per_minute=wanted["requests_per_minute"],
                till=wanted["till"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return render(request, "api/key_made.html", {"key": made.key, "text": made.text})
    return render(request, "api/key_new.html", {"form": form})


@reads_or_posts
@may_manage
def revoke_key(request: PageRequest, key_id: int) -> HttpResponse:
    """Ask why, then end a key at once."""
    key = get_object_or_404(ApiKey.objects.select_related("program"), pk=key_id, revoked_at=None)
    form = RevokeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        keys.revoke_key(
            key, by=request.user, at=timezone.now(), reason=form.cleaned_data["reason"]
        )
        messages.success(request, f"{key} is revoked.", extra_tags="good")
        return redirect("api-keys:list")
    return render(request, "api/key_revoke.html", {"form": form, "key": key})


def _state(key: ApiKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.expires_at > at else "expired"
