"""Pages for moving in, replacing a meter and switches of the payment mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config import opaque
from headend.config.errors import Refusal
from headend.customers.models import Customer
from headend.customers.queries import agreements_in_force
from headend.customers.services import register_customer
from headend.design import figures
from headend.fleet.models import Command
from headend.ledger.forms import PeriodForm
from headend.meters.models import Meter
from headend.meters.queries import meter_numbered
from headend.supply import (
    modes,
    moves,
    replacements,
    second_issues,
    taking_down,
    transfers,
    trials,
)
from headend.supply.forms import (
    MeterNumberForm,
    MoveInForm,
    RegistersForm,
    ReplaceForm,
    TakeDownForm,
)
from headend.supply.meter_credit import to_move_wh
from headend.supply.models import Replacement
from headend.supply.views import PER_PAGE
from headend.vending.models import IssuedToken, TokenDelivery
from headend.vending.unused import tokens_not_entered


@reads_or_posts
@permission_required("supply.move_in", raise_exception=True)
def find_meter(request: PageRequest) -> HttpResponse:
    """Ask at which meter a customer moves in."""
    form = MeterNumberForm(request.POST or None)
    customer = _customer_asked_for(request)
    if form.is_valid():
        try:
            meter = meter_numbered(form.cleaned_data["number"])
        except Refusal as error:
            form.add_error("number", error.sentence)
        else:
            asked = f"?customer={opaque.id_of(customer)}" if customer else ""
            return redirect(reverse("supply:move-in", args=[meter.drn]) + asked)
    context = {"form": form, "customer": customer}
    return render(request, "supply/find_meter.html", context, status=422 if form.is_bound else 200)


@reads_or_posts
@permission_required("supply.move_in", raise_exception=True)
def move_in(request: PageRequest, drn: str) -> HttpResponse:
    """Show what somebody who moves in finds at a meter, then begin the agreement."""
    meter = get_object_or_404(Meter, drn=drn)
    customer = _customer_asked_for(request)
    found = moves.found_at(meter, address=request.POST.get("address", ""))
    form = MoveInForm(
        request.POST or None,
        known=customer is not None,
        has_debts=bool(found.debts),
        can_buy=found.price_minor is not None,
        initial=_found_registers(found),
    )
    if form.is_valid():
        try:
            made = _begin(request, meter, customer, form.cleaned_data)
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "The agreement has begun.", extra_tags="good")
            return redirect("customers:customer", made.agreement.customer_id)
    context = {"meter": meter, "customer": customer, "found": found, "form": form}
    return render(request, "supply/move_in.html", context, status=422 if form.is_bound else 200)


@reads_or_posts
@permission_required("supply.replace_meter", raise_exception=True)
def replace(request: PageRequest, drn: str) -> HttpResponse:
    """Show what replacing a meter does, then exchange it."""
    agreement = agreements_in_force().filter(meter__drn=drn).first()
    if agreement is None:
        return _replaced_already(request, drn)
    told = trials.told_registers(agreement.meter)
    form = ReplaceForm(request.POST or None)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            made = replacements.replace(
                agreement,
                meter_numbered(asked["new_meter"]),
                old=replacements.OldMeter(
                    asked["energy_wh"], asked["credit_wh"], asked["scrapped"]
                ),
                new_energy_wh=asked["new_energy_wh"],
                new_credit_wh=asked["new_credit_wh"],
                by=request.user,
                at=timezone.now(),
                reason=asked["reason"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("supply:replacement", made.number)
    tokens = tokens_not_entered(agreement.meter, since=agreement.started_at)
    context = {"agreement": agreement, "form": form, "told": told, "tokens": tokens}
    return render(request, "supply/replace.html", context, status=422 if form.is_bound else 200)


def _replaced_already(request: PageRequest, drn: str) -> HttpResponse:
    """Show what replaced a meter to who asks again: in a second tab, or with the Back button."""
    done = Replacement.objects.filter(old_meter__drn=drn).order_by("-replaced_at").first()
    if done is None:
        raise Http404(f"meter {drn} serves nobody")
    messages.info(
        request, f"Meter {drn} was replaced already, by meter {done.new_meter}.", extra_tags="info"
    )
    return redirect("supply:replacement", done.number)


@reads_or_posts
@permission_required(["supply.replace_meter", "meters.change_meter"], raise_exception=True)
def take_down(request: PageRequest, drn: str) -> HttpResponse:
    """Take a meter down where nobody is served any more."""
    meter = get_object_or_404(Meter, drn=drn)
    form = TakeDownForm(request.POST or None)
    if form.is_valid():
        try:
            taking_down.take_down(meter, **form.cleaned_data, by=request.user, at=timezone.now())
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, f"Meter {drn} is taken down.", extra_tags="good")
            return redirect("fleet:meter", drn)
    context = {"meter": meter, "form": form}
    return render(request, "supply/take_down.html", context, status=422 if form.is_bound else 200)


@require_safe
@permission_required("supply.view_replacement", raise_exception=True)
def replacement(request: PageRequest, number: str) -> HttpResponse:
    """Show one replacement: the credit that moves over, and tokens of the old meter."""
    return _replacement_page(request, _replacement(number))


@require_POST
@permission_required("supply.replace_meter", raise_exception=True)
def replacement_step(request: PageRequest, number: str, step: str) -> HttpResponse:
    """Take one step of a replacement: registers, token, command, or a token issued anew."""
    found = _replacement(number)
    if step not in _STEPS:
        raise Http404
    make_form, act = _STEPS[step]
    form = make_form(request.POST)
    if form.is_valid():
        try:
            said = act(request, found, form.cleaned_data)
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, said, extra_tags="good")
            return redirect("supply:replacement", number)
    return _replacement_page(request, found, typed=form)


@require_safe
@permission_required("supply.view_modeswitch", raise_exception=True)
def switches(request: PageRequest) -> HttpResponse:
    """List switches of the payment mode; `sheet` gives them to billing as CSV."""
    form = PeriodForm(request.GET)
    since, until = form.period()
    if "sheet" in request.GET:
        sheet = modes.handover(since=since, until=until)
        answer = HttpResponse(sheet, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = 'attachment; filename="switches.csv"'
        return answer
    found = modes.switches(since=since, until=until).reverse()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "supply/switches.html", {"form": form, "page": page})


def _customer_asked_for(request: PageRequest) -> Customer | None:
    asked = opaque.asked("customers.customer", request.GET.get("customer"))
    return None if asked is None else get_object_or_404(Customer, pk=asked)


def _found_registers(found: moves.Found) -> dict[str, Any]:
    """Return what is likely to be typed: where it was, and what the meter shows."""
    initial: dict[str, Any] = {}
    if found.former is not None:
        initial |= {"address": found.former.premises.address, "tariff": found.former.tariff_id}
    told = trials.told_registers(found.meter)
    if told is not None:
        initial |= {
            "energy_wh": figures.kwh(told.energy_wh),
            "credit_wh": figures.kwh(told.credit_wh),
            "source": told.source,
        }
    return initial


@transaction.atomic
def _begin(
    request: PageRequest, meter: Meter, customer: Customer | None, asked: dict[str, Any]
) -> moves.MoveIn:
    now = timezone.now()
    if customer is None:
        customer = register_customer(
            name=asked["name"], phone=asked["phone"], by=request.user, at=now
        )
    terms = moves.Terms(
        address=asked["address"],
        tariff=asked["tariff"],
        low_credit_threshold_wh=asked["threshold"],
        connection_va=asked["connection_va"],
        accepts_debts=asked.get("accepts_debts", False),
        buys_credit=asked.get("buys_credit", False),
    )
    return moves.move_in(
        customer,
        meter,
        terms,
        energy_wh=asked["energy_wh"],
        credit_wh=asked["credit_wh"],
        source=asked["source"],
        by=request.user,
        at=now,
    )


def _replacement(number: str) -> Replacement:
    rows = Replacement.objects.select_related(
        "agreement__customer", "agreement__premises", "old_meter", "new_meter",
        "transfer_token__meter", "transfer_command", "settlement__closing",
    )  # fmt: skip
    return get_object_or_404(rows, number=number)


def _replacement_page(
    request: PageRequest, found: Replacement, *, typed: forms.Form | None = None
) -> HttpResponse:
    tokens = [
        (one, second_issues.is_proved_unused(found, one))
        for one in second_issues.open_tokens(found)
    ]
    registers = typed if isinstance(typed, RegistersForm) else RegistersForm()
    context = {
        "replacement": found,
        "is_open": replacements.is_open(found),
        "may_note": replacements.may_note(found),
        "to_move_wh": to_move_wh(found),
        "sent": _latest_delivery(found),
        "registers": registers,
        "typed": typed,
        "tokens": tokens,
        "second_issues": found.second_issues.select_related("old_token", "new_token"),
    }
    return render(request, "supply/replacement.html", context, status=422 if typed else 200)


def _latest_delivery(found: Replacement) -> Command | None:
    """Return the order that took the token with the credit to the meter, if one did."""
    deliveries = TokenDelivery.objects.filter(token=found.transfer_token_id or 0)
    latest = deliveries.select_related("command").order_by("-pk").first()
    return latest.command if latest else None


class _TokenForm(forms.Form):
    """Which token of the old meter."""

    tid = forms.IntegerField()


def _note(request: PageRequest, found: Replacement, asked: dict[str, Any]) -> str:
    replacements.note_registers(
        found,
        energy_wh=asked["energy_wh"],
        credit_wh=asked["credit_wh"],
        by=request.user,
        at=timezone.now(),
    )
    return "The registers of the old meter are taken down."


def _by_token(request: PageRequest, found: Replacement, asked: dict[str, Any]) -> str:
    send = request.user.has_perm("fleet.send_token")
    transfers.transfer_by_token(found, by=request.user, at=timezone.now(), send=send)
    return "The token is made." + (
        " The meter gets it too, as soon as it is heard." if send else ""
    )


def _by_command(request: PageRequest, found: Replacement, asked: dict[str, Any]) -> str:
    transfers.transfer_by_command(found, by=request.user, at=timezone.now())
    return "The new meter is ordered to take the credit over."


def _reissue(request: PageRequest, found: Replacement, asked: dict[str, Any]) -> str:
    token = get_object_or_404(IssuedToken, meter=found.old_meter, tid=asked["tid"])
    second_issues.reissue(found, token, by=request.user, at=timezone.now())
    return "The token is issued anew for the new meter."


_STEPS: dict[str, tuple[type[forms.Form], Callable[..., str]]] = {
    "registers": (RegistersForm, _note),
    "token": (forms.Form, _by_token),
    "command": (forms.Form, _by_command),
    "reissue": (_TokenForm, _reissue),
}
