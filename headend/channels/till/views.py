"""The till: find the customer, enter the amount, confirm, hand over the receipt; a page each."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.channels.till.forms import (
    AmountForm,
    DebtPaymentForm,
    EnergyForm,
    MessageForm,
    VendForm,
)
from headend.config.errors import Refusal
from headend.currencies.models import Rate
from headend.currencies.queries import is_other, usable
from headend.customers.queries import agreements_in_force, in_place_of
from headend.customers.search import find_supplies, number_in
from headend.debts.models import Debt
from headend.debts.queries import debts_of
from headend.design import figures
from headend.meters.models import Meter
from headend.vending import debt_payments, free_electricity, key_watch, pages, services
from headend.vending.errors import SaleNotFound
from headend.vending.views import JUST_SOLD
from headend.vendors.queries import vendor_of

TERMINAL = "Web till"
FOUND_SHOWN = 20
LAST_SALES_SHOWN = 5
USUAL_AMOUNTS_MINOR = (2000, 5000, 10000, 20000, 50000)

may_vend = permission_required("vending.vend", raise_exception=True)


@require_safe
@may_vend
def find(request: PageRequest) -> HttpResponse:
    """Find the customer or meter. One hit leads straight on, unless the search is still typed."""
    text = request.GET.get("q", "").strip()
    found = list(find_supplies(text)[: FOUND_SHOWN + 1]) if text else []
    if len(found) == 1 and not request.htmx:
        return redirect("till:sell", found[0].meter.drn)
    idle_meter = None if found else _meter_without_agreement(text)
    context = {
        "q": text,
        "found": found[:FOUND_SHOWN],
        "there_are_more": len(found) > FOUND_SHOWN,
        "idle_meter": idle_meter,
        "in_place": in_place_of(idle_meter) if idle_meter else None,
    }
    if request.htmx:
        return render(request, "till/found.html", context)
    context["last_sales"] = pages.sales(operator_id=request.user.pk, seen_by=request.user)[
        :LAST_SALES_SHOWN
    ]
    return render(request, "till/find.html", context)


@require_safe
@may_vend
def sell(request: PageRequest, drn: str) -> HttpResponse:
    """Ask how much money; show what the typed amount buys, or what so many kWh cost."""
    context = _whom(request, drn)
    form = AmountForm(request.GET if "amount" in request.GET else None, rates=context["rates"])
    energy = EnergyForm(request.GET if "kwh" in request.GET else None)
    page = {**context, "form": form, "energy": energy, **_trial(request, context, form)}
    if energy.is_valid():
        try:
            tender_minor = services.trial_energy(
                meter=context["meter"],
                energy_wh=energy.cleaned_data["kwh"],
                at=timezone.now(),
                operator=request.user,
            ).tender_minor
        except Refusal as error:
            page["refused"] = error.sentence
        else:
            digits = settings.BASE_CURRENCY_MINOR_DIGITS
            amount = figures.decimal(tender_minor, digits=digits, grouped=False)
            return redirect(f"{request.path}?{urlencode({'amount': amount})}")
    return render(request, "till/sell.html", page)


@require_safe
@may_vend
def trial(request: PageRequest, drn: str) -> HttpResponse:
    """The part of the page that says what an amount buys; nothing is stored."""
    context = _whom(request, drn)
    typed = request.GET if request.GET.get("amount") else None
    form = AmountForm(typed, rates=context["rates"])
    page = {**context, "form": form, **_trial(request, context, form), "while_typing": True}
    return render(request, "till/trial.html", page)


@reads_or_posts
@may_vend
@never_cache
def confirm(request: PageRequest, drn: str) -> HttpResponse:
    """Show exactly what will be sold to whom; on confirmation sell it, once per page.

    The message id is in the page's address, so going back to it means the same sale.
    """
    context = _whom(request, drn)
    if request.method == "POST":
        return _sell(request, context)
    amount = AmountForm(request.GET, rates=context["rates"])
    offered = _trial(request, context, amount)
    if offered["quote"] is None:
        page = {**context, "form": amount, "energy": EnergyForm(), **offered}
        return render(request, "till/sell.html", page, status=422)
    form = VendForm(request.GET)
    if not form.is_valid():
        query = {"amount": request.GET["amount"], "message_id": uuid.uuid4()}
        if amount.cleaned_data["waive_floor"]:
            query["waive_floor"] = "on"
        if is_other(amount.cleaned_data["currency"]):
            query["currency"] = amount.cleaned_data["currency"]
        return redirect(f"{request.path}?{urlencode(query)}")
    told = "This was sold already. To sell once more, choose Next customer."
    return _done_before(request, form, told) or render(
        request, "till/confirm.html", {**context, "form": form, **offered}
    )


@reads_or_posts
@may_vend
@never_cache
def pay_debt(request: PageRequest, debt_id: int) -> HttpResponse:
    """Take a payment of a debt without a purchase of energy, once per page.

    The message id is in the page's address, as on the page that confirms a sale.
    """
    debt = get_object_or_404(Debt.objects.select_related("customer", "premises"), pk=debt_id)
    rates = _rates(request)
    begun = MessageForm(request.GET)
    if request.method != "POST":
        if not begun.is_valid():
            return redirect(f"{request.path}?{urlencode({'message_id': uuid.uuid4()})}")
        told = "This payment was taken already. To take another one, begin at the customer."
        if (before := _done_before(request, begun, told)) is not None:
            return before
    form = DebtPaymentForm(
        request.POST or None,
        rates=rates,
        initial={
            "message_id": request.GET.get("message_id"),
            "amount": figures.decimal(
                debt.balance_minor, digits=settings.BASE_CURRENCY_MINOR_DIGITS, grouped=False
            ),
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            sale = debt_payments.pay(
                caller=_caller(request),
                message_id=_message_id(form),
                debt=debt,
                amount_minor=form.cleaned_data["amount"],
                currency=form.cleaned_data["currency"],
                operator=request.user,
                at=timezone.now(),
                terminal=TERMINAL,
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            request.session[JUST_SOLD] = sale.receipt_number
            return redirect(reverse("vending:sale", args=[sale.receipt_number]) + "?sold")
    status = 422 if request.method == "POST" else 200
    context = {"debt": debt, "form": form, "rates": rates}
    return render(request, "till/pay_debt.html", context, status=status)


def _sell(request: PageRequest, context: dict[str, Any]) -> HttpResponse:
    form = VendForm(request.POST)
    refused = ""
    if form.is_valid():
        try:
            sale = services.vend(
                caller=_caller(request),
                message_id=_message_id(form),
                meter=context["meter"],
                tender_minor=form.cleaned_data["amount"],
                currency=form.cleaned_data["currency"],
                operator=request.user,
                at=timezone.now(),
                terminal=TERMINAL,
                waive_floor=form.cleaned_data["waive_floor"],
                hold_token=True,  # until the sale's page shows it
            )
        except Refusal as error:
            refused = error.sentence
        else:
            request.session[JUST_SOLD] = sale.receipt_number
            return redirect(reverse("vending:sale", args=[sale.receipt_number]) + "?sold")
    offered = _trial(request, context, form)
    offered["refused"] = (
        refused
        or offered["refused"]
        or "The form came back incomplete; nothing was sold. Start again."
    )
    return render(request, "till/confirm.html", {**context, "form": form, **offered}, status=422)


def _done_before(request: PageRequest, form: MessageForm, told: str) -> HttpResponse | None:
    """Lead to the sale that a page has made already, if somebody went back to the page."""
    try:
        sold = services.advice(caller=_caller(request), message_id=_message_id(form))
    except SaleNotFound:
        return None
    messages.info(request, told)
    return redirect("vending:sale", sold.receipt_number)


def _caller(request: PageRequest) -> str:
    return f"user:{request.user.pk}"


def _message_id(form: MessageForm) -> str:
    return str(form.cleaned_data["message_id"])


def _rates(request: PageRequest) -> list[Rate]:
    """At which other currencies are taken: none by a vendor, whose wallet pays in the base one."""
    return [] if vendor_of(request.user) else usable(at=timezone.now())


def _whom(request: PageRequest, drn: str) -> dict[str, Any]:
    meter = get_object_or_404(Meter.objects.select_related("state", "link"), drn=drn)
    agreement = agreements_in_force().filter(meter=meter).first()
    return {
        "meter": meter,
        "agreement": agreement,
        "in_place": None if agreement else in_place_of(meter),
        "debts": debts_of(agreement) if agreement else (),
        "free": free_electricity.due(agreement, at=timezone.now()) if agreement else None,
        "key_differs": key_watch.difference(meter),
        "state": getattr(meter, "state", None),
        "link": getattr(meter, "link", None),
        "rates": _rates(request),
        "usual_amounts": USUAL_AMOUNTS_MINOR,
    }


def _trial(request: PageRequest, context: dict[str, Any], form: AmountForm) -> dict[str, Any]:
    """The quote for the form's amount, or why there is none."""
    if not form.is_valid():
        return {"quote": None, "refused": ""}
    try:
        quote = services.trial_vend(
            meter=context["meter"],
            tender_minor=form.cleaned_data["amount"],
            currency=form.cleaned_data["currency"],
            at=timezone.now(),
            operator=request.user,
            waive_floor=form.cleaned_data["waive_floor"],
        )
    except Refusal as error:
        return {"quote": None, "refused": error.sentence}
    return {"quote": quote, "refused": ""}


def _meter_without_agreement(text: str) -> Meter | None:
    """The meter whose whole number was typed but that serves nobody, to say so."""
    number = number_in(text)
    return Meter.objects.filter(drn=number).first() if number else None
