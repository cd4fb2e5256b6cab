"""Logging in, in one step or two, and one's own account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts import one_time, second_factor, sessions, throttle
from headend.accounts.forms import CodeForm, LogInForm, NewAuthenticatorForm, NewPasswordForm
from headend.accounts.models import SecondFactor
from headend.accounts.requests import PageRequest, host_of, origin_of, reads_or_posts
from headend.audit import services as audit
from headend.config.errors import Refusal

_CHALLENGE, _NEW_SECRET = "passkey_challenge", "new_authenticator"
_CODES = "recovery_codes"
_QR_SCALE = 5


def before_second_factor(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view as one for those who still owe a second factor."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view


def before_own_password(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view as one for those whose password somebody else set."""
    view.before_own_password = True  # type: ignore[attr-defined]
    return view


class LogInView(LoginView):
    """The log-in page; leads on to the page that asked for it, if that is one of ours."""

    form_class = LogInForm
    template_name = "accounts/log_in.html"
    extra_context = {"utility_name": settings.UTILITY_NAME}

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in; the tries before it are forgotten, and the record tells of it."""
        address, now = throttle.address_of(self.request), timezone.now()
        throttle.forgive(username=form.cleaned_data["username"], address=address)
        throttle.forget_old(now)
        user: Any = form.get_user()
        audit.record(actor=user, action="accounts.log_in", target=user, at=now, source=address)
        return super().form_valid(form)


@reads_or_posts
@never_cache
@before_second_factor
def check(request: PageRequest) -> HttpResponse:
    """Ask for the second factor: a code, or a passkey's answer."""
    if sessions.owes(request) != sessions.TO_PASS:
        return redirect(_next(request))
    form = CodeForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and (form.is_valid() or "credential" in request.POST):
        codes_before = second_factor.recovery_codes_left(request.user)
        try:
            _check(request, form)
        except Refusal as error:
            if not form.is_bound:
                form = CodeForm({"code": "-"})
                form.is_valid()
            form.add_error(None, error.sentence)
        else:
            sessions.note_passed(request.session, request.user)
            _tell_of_recovery(request, codes_before)
            return redirect(_next(request))
    options, challenge = second_factor.passkey_request(request.user, host=host_of(request))
    request.session[_CHALLENGE] = challenge.hex()
    kinds = set(request.user.second_factors.values_list("kind", flat=True))
    context = {
        "form": form,
        "next": _next(request),
        "passkey": options if SecondFactor.PASSKEY in kinds else "",
        "app": SecondFactor.AUTHENTICATOR in kinds,
    }
    return render(request, "accounts/check.html", context, status=422 if form.is_bound else 200)


def _tell_of_recovery(request: PageRequest, codes_before: int) -> None:
    """Say that a recovery code was used up, and how many are left for the next time."""
    left = second_factor.recovery_codes_left(request.user)
    if left == codes_before:
        return
    many = f"{left} recovery code{'' if left == 1 else 's'} left" if left else "none left"
    messages.warning(
        request,
        f"You came in with a recovery code, which serves no more: {many}. If the second factor is "
        "lost, set up another one under your name and remove the lost one.",
        extra_tags="low" if left else "danger",
    )


def _check(request: PageRequest, form: CodeForm) -> None:
    user, now = request.user, timezone.now()
    address = throttle.address_of(request)
    name = f"second factor of {user.username}"
    throttle.note_attempt(username=name, address=address, at=now)
    if form.is_bound:
        second_factor.check_code(user, form.cleaned_data["code"], at=now)
    else:
        second_factor.check_passkey(
            user,
            credential=request.POST["credential"],
            challenge=bytes.fromhex(request.session.pop(_CHALLENGE, "")),
            host=host_of(request),
            origin=origin_of(request),
            at=now,
        )
    throttle.forgive(username=name, address=address)


@require_safe
@never_cache
@before_second_factor
def begin(request: PageRequest) -> HttpResponse:
    """Say that this person's groups need a second factor, and offer the ways to set one up."""
    if sessions.owes(request) == sessions.TO_PASS:
        return redirect("second-factor:check")
    return render(request, "accounts/begin.html", {"next": _next(request)})


@reads_or_posts
@never_cache
@before_second_factor
def add_app(request: PageRequest) -> HttpResponse:
    """Show a secret as a QR code and keep it once the app shows a right code."""
    if sessions.owes(request) == sessions.TO_PASS:
        return redirect("second-factor:check")
    is_answer = request.method == "POST"
    new = second_factor.new_authenticator(
        request.user, request.session.get(_NEW_SECRET) if is_answer else None
    )
    request.session[_NEW_SECRET] = new.secret
    form = NewAuthenticatorForm(request.POST if is_answer else None)
    if form.is_valid():
        try:
            codes = second_factor.add_authenticator(
                request.user,
                secret=new.secret,
                code=form.cleaned_data["code"].replace(" ", ""),
                name=form.cleaned_data["name"],
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error("code", error.sentence)
        else:
            del request.session[_NEW_SECRET]
            return _added(request, codes)
    drawing = segno.make(new.address, error="m").svg_data_uri(scale=_QR_SCALE, light="#fff")
    context = {"form": form, "drawing": drawing, "secret": new.secret, "next": _next(request)}
    return render(request, "accounts/add_app.html", context, status=422 if form.is_bound else 200)


@reads_or_posts
@never_cache
@before_second_factor
def add_passkey(request: PageRequest) -> HttpResponse:
    """Have the browser make a passkey and keep it."""
    if sessions.owes(request) == sessions.TO_PASS:
        return redirect("second-factor:check")
    refused = ""
    if request.method == "POST":
        try:
            codes = second_factor.add_passkey(
                request.user,
                credential=request.POST.get("credential", ""),
                challenge=bytes.fromhex(request.session.pop(_CHALLENGE, "")),
                host=host_of(request),
                origin=origin_of(request),
                name=request.POST.get("name", "")[:60].strip() or "Passkey",
                at=timezone.now(),
            )
        except Refusal as error:
            refused = error.sentence
        else:
            return _added(request, codes)
    options, challenge = second_factor.passkey_creation(request.user, host=host_of(request))
    request.session[_CHALLENGE] = challenge.hex()
    context = {"passkey": options, "refused": refused, "next": _next(request)}
    return render(request, "accounts/add_passkey.html", context, status=422 if refused else 200)


@require_safe
@never_cache
def recovery_codes(request: PageRequest) -> HttpResponse:
    """Show new recovery codes, once."""
    codes = request.session.pop(_CODES, None)
    if not codes:
        return redirect("account")
    return render(
        request, "accounts/recovery_codes.html", {"codes": codes, "next": _next(request)}
    )


@reads_or_posts
@never_cache
@before_own_password
def choose_password(request: PageRequest) -> HttpResponse:
    """Have whoever came in with a password that somebody else set choose an own one."""
    given = one_time.of(request.user)
    if given is None:
        return redirect(_next(request))
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = one_time.choose(request.user, form.cleaned_data["password"], at=timezone.now())
        except Refusal as error:
            form.add_error("password", error.sentence)
        else:
            update_session_auth_hash(request, user)
            sessions.note_chosen(request.session, user)
            messages.success(request, "The password is yours alone now.", extra_tags="good")
            return redirect(_next(request))
    context = {
        "form": form,
        "given": given,
        "lately": one_time.lately(request.user),
        "next": _next(request),
    }
    status = 422 if form.is_bound else 200
    return render(request, "accounts/choose_password.html", context, status=status)


@reads_or_posts
@never_cache
def account(request: PageRequest) -> HttpResponse:
    """One's own account: groups, password and second factors."""
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    form.label_suffix = ""
    form.fields["old_password"].widget.attrs.pop("autofocus", None)  # it is not why one comes here
    if form.is_valid():
        form.save()
        update_session_auth_hash(request, form.user)
        audit.record(
            actor=request.user,
            action="accounts.change_password",
            target=request.user,
            at=timezone.now(),
        )
        messages.success(request, "Your password is changed; other sessions are logged out.")
        return redirect("account")
    context = {
        "form": form,
        "factors": request.user.second_factors.order_by("created_at"),
        "codes_left": second_factor.recovery_codes_left(request.user),
        "groups": request.user.groups.order_by("name"),
        "must_have": second_factor.must_have(request.user),
        "lately": one_time.lately(request.user),
    }
    return render(request, "accounts/account.html", context, status=422 if form.is_bound else 200)


@require_POST
def remove_factor(request: PageRequest, factor_id: int) -> HttpResponse:
    """Give up one of one's own second factors."""
    factor = get_object_or_404(SecondFactor, pk=factor_id, user=request.user)
    try:
        second_factor.remove(factor, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    else:
        messages.success(request, f"{factor.name} is removed.", extra_tags="good")
    return redirect("account")


@require_POST
def make_codes(request: PageRequest) -> HttpResponse:
    """Make new recovery codes; older ones serve no more."""
    if second_factor.has_any(request.user):
        request.session[_CODES] = second_factor.new_recovery_codes(request.user, at=timezone.now())
    return redirect("second-factor:codes")


def _added(request: PageRequest, codes: list[str]) -> HttpResponse:
    """Go on after a second factor was set up; who did so has shown it, too."""
    sessions.note_passed(request.session, request.user)
    if codes:
        request.session[_CODES] = codes
        return redirect(f"{reverse('second-factor:codes')}?{urlencode({'next': _next(request)})}")
    messages.success(request, "The second factor is set up.", extra_tags="good")
    return redirect("account")


def _next(request: PageRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours else reverse("home")
