"""Pages of closings: list, notice, the steps of one closing, its statement, the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.models import Approval
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.config.exact import Fraction
from headend.fleet.queries import link_of
from headend.meters.models import Meter
from headend.supply import closings, refunds, trials
from headend.supply.forms import ClearedForm, RefundForm, RegistersForm, RuleForm, StartForm
from headend.supply.models import Closing, Replacement, Rule
from headend.supply.rules import rule_in_force, set_rule
from headend.supply.words import price_per_kwh
from headend.tariffs.numbers import plain

PER_PAGE = 50

may_look = permission_required("supply.view_closing", raise_exception=True)


@require_safe
@may_look
def supplies(request: PageRequest) -> HttpResponse:
    """List closings and replacements, those with something still to do first."""
    found = _closings().order_by("-started_at")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    replacements = Replacement.objects.select_related(
        "old_meter", "new_meter", "agreement__customer"
    )
    context = {
        "page": page,
        "waiting": [one for one in _undone(found) if _to_do(one)],
        "open_replacements": replacements.filter(transferred_at=None).exclude(credit_wh=0),
        "replacements": replacements.order_by("-replaced_at")[:PER_PAGE],
    }
    return render(request, "supply/list.html", context)


@reads_or_posts
@permission_required("supply.close_account", raise_exception=True)
def start(request: PageRequest, drn: str) -> HttpResponse:
    """Show what closing an account would come to, then give notice."""
    now = timezone.now()
    try:
        agreement = closings.closable(get_object_or_404(Meter, drn=drn), at=now)
    except Refusal:
        return _closed_already(request, drn)
    link = link_of(agreement.meter)
    online = link is not None and link.online
    form = StartForm(request.POST or None, initial={"ask_meter": "yes" if online else "no"})
    if form.is_valid():
        try:
            made = closings.start(
                agreement,
                by=request.user,
                at=now,
                reason=form.cleaned_data["reason"],
                ask_meter=form.cleaned_data["ask_meter"] == "yes",
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("supply:closing", made.number)
    trial, refusal = _tried(lambda: trials.trial(agreement, at=now))
    context = {
        "agreement": agreement, "form": form, "trial": trial, "refusal": refusal, "online": online,
    }  # fmt: skip
    return render(request, "supply/start.html", context, status=422 if form.is_bound else 200)


@require_safe
@may_look
def closing(request: PageRequest, number: str) -> HttpResponse:
    """Show one closing: how far it is, what it comes to, what is still to be done."""
    return _closing_page(request, _closing(number))


@require_POST
@may_look
def step(request: PageRequest, number: str, step: str) -> HttpResponse:
    """Take one step of a closing: registers, settle, clear or pay."""
    found = _closing(number)
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
            return redirect("supply:closing", number)
    return _closing_page(request, found, typed=(step, form))


@require_safe
@may_look
def statement(request: PageRequest, number: str) -> HttpResponse:
    """Show the statement of a settled account as the paper that the customer is given."""
    found = _closing(number)
    if found.is_open:
        raise Http404
    settlement = found.settlement
    context = {"closing": found, "settlement": settlement, "told": settlement.particulars}
    return render(request, "supply/statement.html", context)


@reads_or_posts
@permission_required("supply.view_rule", raise_exception=True)
def rule(request: PageRequest) -> HttpResponse:
    """Show by which rule supplies are settled, since when, and let it be changed."""
    now = timezone.now()
    form = RuleForm(request.POST or None, initial=_as_typed(rule_in_force(at=now)))
    if request.method == "POST" and form.is_valid():
        try:
            set_rule(**form.asked(), by=request.user, at=now)
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "The rule holds from now on.", extra_tags="good")
            return redirect("supply:rule")
    rules = Rule.objects.select_related("set_by").order_by("-valid_from", "-pk")
    priced = [(one, price_per_kwh(one.price_minor_per_kwh or 0)) for one in rules]
    context = {"form": form, "rules": priced}
    return render(request, "supply/rule.html", context, status=422 if form.is_bound else 200)


def _closed_already(request: PageRequest, drn: str) -> HttpResponse:
    """Show the closing to who asks for it again: in a second tab, or with the Back button."""
    found = _closings().filter(agreement__meter__drn=drn).order_by("-started_at").first()
    if found is None:
        raise Http404(f"meter {drn} has served nobody")
    messages.info(request, "The account is being closed already, or was.", extra_tags="info")
    return redirect("supply:closing", found.number)


def _closings() -> QuerySet[Closing]:
    return Closing.objects.select_related(
        "agreement__customer", "agreement__premises", "agreement__meter", "settlement", "command"
    )


def _closing(number: str) -> Closing:
    return get_object_or_404(_closings(), number=number)


def _undone(found: QuerySet[Closing]) -> QuerySet[Closing]:
    """Leave out what is paid and clear, which is nearly everything after some years."""
    done = Q(state=Closing.State.REFUNDED) | Q(settlement__refund_minor=0)
    return found.exclude(done & (~Q(cleared="") | Q(credit_wh=0)))


def _to_do(closing: Closing) -> bool:
    if closing.is_open or closing.needs_clearing:
        return True
    return closing.state == Closing.State.SETTLED and bool(closing.settlement.refund_minor)


def _closing_page(
    request: PageRequest, found: Closing, *, typed: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    """Render a closing with the forms of its next steps, and what was typed wrongly in one."""
    now = timezone.now()
    trial, refusal = None, ""
    if found.is_open:
        trial, refusal = _tried(lambda: trials.trial_of(found, at=now))
    settlement = None if found.is_open else found.settlement
    steps = {name: make_form() for name, (make_form, _) in _STEPS.items()}
    steps |= dict([typed] if typed else [])
    context = {
        "closing": found,
        "agreement": found.agreement,
        "trial": trial,
        "refusal": refusal,
        "settlement": settlement,
        "waits": refunds.request_waiting(settlement) if settlement else None,
        "refund_refused": refunds.refused_last(settlement) if settlement else None,
        "steps": steps,
        "refused": typed[1] if typed else None,
        "may_note": found.is_open and found.registers_source != "meter",
    }
    return render(request, "supply/closing.html", context, status=422 if typed else 200)


def _tried(make: Callable[[], trials.Trial]) -> tuple[trials.Trial | None, str]:
    """Return a trial, or why it can't be reckoned."""
    try:
        return make(), ""
    except Refusal as error:
        return None, error.sentence


def _as_typed(rule: Rule) -> dict[str, Any]:
    price = rule.price_minor_per_kwh
    scale = 10**settings.BASE_CURRENCY_MINOR_DIGITS
    return {
        "valuation": rule.valuation,
        "price": None if price is None else plain(Fraction(price) / scale),
        "premises_debts_settled": rule.premises_debts_settled,
        "refund_limit": plain(Fraction(rule.refund_limit_minor, scale), at_least=2),
        "mode_credit": rule.mode_credit,
    }


def _note(request: PageRequest, found: Closing, asked: dict[str, Any]) -> str:
    closings.note_registers(
        found,
        energy_wh=asked["energy_wh"],
        credit_wh=asked["credit_wh"],
        by=request.user,
        at=timezone.now(),
    )
    return "The closing registers are taken down."


def _settle(request: PageRequest, found: Closing, asked: dict[str, Any]) -> str:
    closings.settle(found, by=request.user, at=timezone.now())
    return "Settled. The statement can be printed."


def _clear(request: PageRequest, found: Closing, asked: dict[str, Any]) -> str:
    closings.mark_cleared(
        found, by=request.user, at=timezone.now(), how=asked["how"], note=asked["note"]
    )
    return "Noted: the meter holds nothing of this customer any more."


def _pay(request: PageRequest, found: Closing, asked: dict[str, Any]) -> str:
    if found.is_open:
        raise Http404
    done = refunds.pay(
        found.settlement,
        method=asked["method"],
        reference=asked["reference"],
        by=request.user,
        at=timezone.now(),
    )
    waits = isinstance(done, Approval)
    return "Asked for: somebody else has to approve it." if waits else "Paid."


_STEPS: dict[str, tuple[type[forms.Form], Callable[..., str]]] = {
    "registers": (RegistersForm, _note),
    "settle": (forms.Form, _settle),
    "clear": (ClearedForm, _clear),
    "pay": (RefundForm, _pay),
}
