"""The page of keys, which never shows a key itself, and the ceremony that loads them."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from headend.accounts import one_time, second_factor, throttle
from headend.accounts.models import User
from headend.accounts.requests import PageRequest, host_of, origin_of, reads_or_posts
from headend.config.errors import Refusal
from headend.securitymodule import allowance, ceremony, roots
from headend.securitymodule.errors import LoadFileRefused
from headend.securitymodule.forms import CeremonyForm, RootForm
from headend.securitymodule.models import LinkRoot, VendingKey
from shared.sts import token_identifier

_CHALLENGE = "ceremony_challenge"  # in the session: what the second person's passkey signs

may_look = permission_required("securitymodule.view_vendingkey", raise_exception=True)
may_load = permission_required("securitymodule.load_keys", raise_exception=True)


@require_safe
@may_look
@never_cache
def listing(request: PageRequest) -> HttpResponse:
    """List the vending keys and message roots by their attributes."""
    return _listed(request, RootForm())


@require_POST
@may_load
@may_look
@never_cache
def make_root(request: PageRequest) -> HttpResponse:
    """Make the next message root of a supply group."""
    form = RootForm(request.POST)
    if form.is_valid():
        sgc = form.cleaned_data["sgc"]
        try:
            root = roots.create_link_root(
                sgc=sgc,
                generation=roots.next_generation(sgc),
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error("sgc", error.sentence)
        else:
            messages.success(request, f"Made: {root}", extra_tags="good")
            return redirect("keys:list")
    return _listed(request, form)


def _listed(request: PageRequest, form: RootForm) -> HttpResponse:
    keys = [
        (key, _state(key), allowance.units_left(key))
        for key in VendingKey.objects.order_by("sgc", "kt", "krn", "base_date", "dkga")
    ]
    context = {
        "keys": keys,
        "roots": LinkRoot.objects.order_by("sgc", "generation"),
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return render(request, "securitymodule/keys.html", context, status=status)


@sensitive_post_parameters()
@reads_or_posts
@may_load
@never_cache
def load(request: PageRequest) -> HttpResponse:
    """Bring the keys of a file in, with a second person beside the one who is logged in."""
    is_answer = request.method == "POST"
    form = CeremonyForm(request.POST, request.FILES) if is_answer else CeremonyForm()
    if form.is_valid():
        try:
            keys = _load(request, form)
        except Refusal as error:
            ceremony.record_refusal(
                error, by=request.user, second=form.cleaned_data["username"], at=timezone.now()
            )
            form.add_error(None, error.sentence)
        else:
            words = f"Loaded: {', '.join(str(key) for key in keys)}"
            messages.success(request, words, extra_tags="good")
            return redirect("keys:list")
    status = 422 if form.is_bound else 200
    return render(request, "securitymodule/load.html", {"form": form}, status=status)


@require_POST
@may_load
@never_cache
def passkey(request: PageRequest) -> HttpResponse:
    """Return what the browser needs to ask the second person for a passkey.

    Whoever is unknown gets an answer as well, which no passkey can meet.
    """
    name = request.POST.get("username", "")
    second = User.objects.filter(username=name).first() or User()
    options, challenge = second_factor.passkey_request(second, host=host_of(request))
    request.session[_CHALLENGE] = challenge.hex()
    return HttpResponse(options, content_type="application/json")


@sensitive_variables()
def _load(request: PageRequest, form: CeremonyForm) -> list[VendingKey]:
    typed = form.cleaned_data
    return ceremony.load_keys(
        typed["file"],
        halves=(typed["first_half"], typed["second_half"]),
        officers=(request.user, _second_person(request, form)),
        at=timezone.now(),
    )


@sensitive_variables()
def _second_person(request: PageRequest, form: CeremonyForm) -> User:
    """Return the second person, authenticated by password and second factor."""
    typed, now = form.cleaned_data, timezone.now()
    if typed["username"].casefold() == request.user.username.casefold():
        raise LoadFileRefused(f"a ceremony needs two people; {request.user} can't be both")
    address = throttle.address_of(request)
    throttle.note_attempt(username=typed["username"], address=address, at=now)
    user = authenticate(request, username=typed["username"], password=typed["password"])
    if not isinstance(user, User):
        raise LoadFileRefused("the second person's user name and password do not belong together")
    if one_time.of(user) is not None:
        raise LoadFileRefused(f"{user} has to log in first and choose an own password")
    challenge = bytes.fromhex(request.session.pop(_CHALLENGE, ""))
    if typed["credential"] and challenge:
        second_factor.check_passkey(
            user,
            credential=typed["credential"],
            challenge=challenge,
            host=host_of(request),
            origin=origin_of(request),
            at=now,
        )
    elif second_factor.has_any(user) and not typed["code"].strip():
        raise LoadFileRefused(f"{user} must show their second factor: a code or a passkey")
    elif second_factor.has_any(user):
        second_factor.check_code(user, typed["code"], at=now)
    elif second_factor.must_have(user):
        raise LoadFileRefused(f"{user} has to set up a second factor first")
    throttle.forgive(username=typed["username"], address=address)
    return user


def _state(key: VendingKey) -> str:
    now = timezone.now()
    if key.is_test and not settings.DEMONSTRATION:
        return "refused"
    if now < key.active_from:
        return "not yet active"
    if key.is_over(now) or _is_past_expiry(key, now):
        return "ended"
    return "active"


def _is_past_expiry(key: VendingKey, now: datetime) -> bool:
    """Say whether the key's expiry number lies before the minute that a token would tell."""
    minute = (int(now.timestamp()) - token_identifier.base_seconds(key.base_date)) // 60
    return key.ken < 255 and token_identifier.is_expired(minute, key.ken)
