"""Pages of vendors: the list, one vendor, its statement, contracts and operators.

A vendor's people reach their own vendor's pages only; any other address is not found.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.currencies.queries import accepted_codes
from headend.ledger.forms import PeriodForm
from headend.vendors import acts, queries, services, shifts, statements, wallet, wallet_watch
from headend.vendors.forms import (
    ContractForm,
    OperatorForm,
    PurchaseForm,
    ReasonForm,
    SafeForm,
    TillForm,
    VendorForm,
    WalletWatchForm,
    as_typed,
    typed,
)
from headend.vendors.models import Vendor, WalletWatch

PER_PAGE = 50
PER_PAPER = 5_000  # lines of a statement that are printed together
SHOWN = 5

may_look = permission_required("vendors.view_vendor", raise_exception=True)


@require_safe
@may_look
def vendors(request: PageRequest) -> HttpResponse:
    """List vendors; a vendor's manager is led to their own."""
    own = queries.vendor_of(request.user)
    if own is not None:
        return redirect("vendors:vendor", own.pk)
    text = request.GET.get("q", "").strip()
    found = queries.vendors_seen_by(request.user)
    found = found.filter(Q(name__icontains=text) | Q(tax_number__iexact=text)) if text else found
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    standings = wallet.standings(list(page))
    context = {
        "q": text,
        "page": page,
        "rows": [(one, *standings[one.pk]) for one in page],
    }
    return render(request, "vendors/rows.html" if request.htmx else "vendors/list.html", context)


@require_safe
@may_look
def vendor(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Show one vendor: what it may sell for, its contract, credit, tills, people and shifts."""
    found = _vendor(request, vendor_id)
    context = {
        "vendor": found,
        "balance_minor": wallet.balance_minor(found),
        "available_minor": wallet.available_minor(found),
        "watch": WalletWatch.objects.filter(vendor=found).first(),
        "waiting": acts.requests_waiting().filter(arguments__vendor=found.pk),
        "purchases": found.purchases.select_related("approved_by").order_by("-at", "-pk")[:SHOWN],
        "tills": found.tills.order_by("name"),
        "operators": queries.operators_of(found),
        "shifts": queries.shifts_seen_by(request.user).filter(vendor=found)[:SHOWN],
        "is_own": queries.vendor_of(request.user) == found,
    }
    return render(request, "vendors/vendor.html", context)


@require_safe
@may_look
def statement(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Show what moved in a wallet in a period: as CSV for `sheet`, for paper by `print`."""
    found = _vendor(request, vendor_id)
    form = PeriodForm(request.GET)
    since, until = form.period()
    told = statements.statement(found, since=since, until=until)
    if "sheet" in request.GET:
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="statement-{found.pk}.csv"'
        sheet = csv.writer(answer)
        sheet.writerow(statements.COLUMNS)
        sheet.writerows(statements.rows(told, found))
        return answer
    for_paper = "print" in request.GET
    lines = Paginator(told.lines, PER_PAPER if for_paper else PER_PAGE)
    context = {
        "vendor": found,
        "form": form,
        "statement": told,
        "page": lines.get_page(request.GET.get("page")),
        "for_paper": for_paper,
        "utility": settings.UTILITY_NAME,
        "utility_tax_number": settings.UTILITY_TAX_NUMBER,
        "printed_at": timezone.now(),
    }
    return render(request, "vendors/statement.html", context)


@reads_or_posts
@permission_required("vendors.add_vendor", raise_exception=True)
def add(request: PageRequest) -> HttpResponse:
    """Take an organisation on."""
    form = VendorForm(request.POST or None)

    def act() -> HttpResponse:
        made = services.register_vendor(**form.cleaned_data, by=request.user, at=timezone.now())
        return redirect("vendors:vendor", made.pk)

    return _ask(request, None, form, act, title="Add a vendor", button="Add the vendor")


@reads_or_posts
@permission_required("vendors.add_contract", raise_exception=True)
def contract(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Agree on other terms, which hold at once."""
    found = _vendor(request, vendor_id)
    form = ContractForm(request.POST or None, initial=as_typed(found.contract))

    def act() -> HttpResponse:
        services.agree_contract(found, form.terms(), by=request.user, at=timezone.now())
        return _done(request, found, "The contract holds from now on.")

    return _ask(request, found, form, act, title="Contract", button="Put it in force")


@reads_or_posts
@permission_required(wallet_watch.SET, raise_exception=True)
def low_wallet(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Say below what a vendor's wallet is low."""
    found = _vendor(request, vendor_id)
    watch = WalletWatch.objects.filter(vendor=found).first()
    threshold = typed(watch.threshold_minor) if watch else ""
    form = WalletWatchForm(request.POST or None, initial={"threshold": threshold})

    def act() -> HttpResponse:
        threshold_minor = form.cleaned_data["threshold"]
        wallet_watch.set_threshold(found, threshold_minor, by=request.user, at=timezone.now())
        told = "A low wallet will be told of." if threshold_minor else "Nobody will be told."
        return _done(request, found, told)

    sentences = [
        "It is told once, within a minute, as what is left to sell for falls below this: the "
        "utility gets a work item, and programs that listen an event. After credit was bought it "
        "is told again the next time."
    ]
    return _ask(request, found, form, act, title="Low wallet", button="Keep", sentences=sentences)


@reads_or_posts
@permission_required("vendors.buy_credit", raise_exception=True)
def credit(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Ask for the credit that a payment buys."""
    found = _vendor(request, vendor_id)
    form = PurchaseForm(request.POST or None)

    def act() -> HttpResponse:
        acts.request_purchase(
            found,
            paid_minor=form.cleaned_data["paid"],
            payment_reference=form.cleaned_data["payment_reference"],
            by=request.user,
            at=timezone.now(),
        )
        return _done(request, found, "Asked for: somebody of the utility has to approve it.")

    return _ask(
        request,
        found,
        form,
        act,
        title="Buy credit",
        button="Ask for the credit",
        sentences=["The credit is there once somebody of the utility has seen the payment."],
    )


@reads_or_posts
@permission_required("vendors.suspend", raise_exception=True)
def status(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Suspend a vendor, or let it sell again."""
    found = _vendor(request, vendor_id)
    form = ReasonForm(request.POST or None)
    is_active = found.status == Vendor.ACTIVE

    def act() -> HttpResponse:
        change = services.suspend if is_active else services.reinstate
        change(found, by=request.user, at=timezone.now(), reason=form.cleaned_data["reason"])
        return _done(request, found, f"{found} {'is suspended' if is_active else 'sells again'}.")

    sentences = (
        ["From this moment on it can sell nothing. Sales that were made stay as they are."]
        if is_active
        else ["It can sell again at once, for what is in its wallet."]
    )
    verb = "Suspend" if is_active else "Let it sell again"
    tone = "danger" if is_active else "primary"
    return _ask(request, found, form, act, title=verb, button=verb, tone=tone, sentences=sentences)


@reads_or_posts
@permission_required("vendors.add_till", raise_exception=True)
def add_till(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Give a vendor another till."""
    return _add_till(request, _vendor(request, vendor_id))


@reads_or_posts
@permission_required(["vendors.add_till", queries.ACT_FOR_UTILITY], raise_exception=True)
def add_own_till(request: PageRequest) -> HttpResponse:
    """Give the utility itself another till."""
    return _add_till(request, None)


@reads_or_posts
@permission_required(["vendors.fill_safe", queries.ACT_FOR_UTILITY], raise_exception=True)
def fill_safe(request: PageRequest) -> HttpResponse:
    """Enter cash that was fetched from the bank for the utility's safe."""
    form = SafeForm(request.POST or None, others=accepted_codes())

    def act() -> HttpResponse:
        asked = form.cleaned_data
        shifts.fill_safe(
            amount_minor=asked["amount"],
            currency=asked["currency"],
            by=request.user,
            at=timezone.now(),
            reason=asked["reason"],
        )
        return _done(request, None, "It is in the safe.")

    return _ask(
        request,
        None,
        form,
        act,
        title="Cash from the bank",
        button="Put it into the safe",
        sentences=["Floats of shifts come out of the safe, and counted cash goes back into it."],
        back="shifts:tills",
    )


def _add_till(request: PageRequest, found: Vendor | None) -> HttpResponse:
    form = TillForm(request.POST or None)

    def act() -> HttpResponse:
        till = services.add_till(found, **form.cleaned_data, by=request.user, at=timezone.now())
        return _done(request, found, f"{till} is there.")

    return _ask(
        request, found, form, act, title="Add a till", button="Add the till", back="shifts:tills"
    )


@reads_or_posts
@permission_required("vendors.add_operator", raise_exception=True)
def add_operator(request: PageRequest, vendor_id: int) -> HttpResponse:
    """Let a user sell for a vendor."""
    found = _vendor(request, vendor_id)
    form = OperatorForm(request.POST or None, tills=found.tills.filter(needs_shift=False))

    def act() -> HttpResponse:
        asked = form.cleaned_data
        operator = services.add_operator(
            found, asked["username"], till=asked["till"], by=request.user, at=timezone.now()
        )
        return _done(request, found, f"{operator.user} sells for {found}.")

    return _ask(request, found, form, act, title="Add an operator", button="Let them sell")


@reads_or_posts
@permission_required("vendors.change_till", raise_exception=True)
def switch_till(request: PageRequest, till_id: int) -> HttpResponse:
    """Close a till to sales, or open it again."""
    till = get_object_or_404(queries.tills_seen_by(request.user), pk=till_id)
    told = "Nothing more is sold there from this moment on; a shift that runs can be counted."
    return _switch(request, till, str(till), services.set_till_active, told=told)


@reads_or_posts
@permission_required("vendors.change_operator", raise_exception=True)
def switch_operator(request: PageRequest, operator_id: int) -> HttpResponse:
    """Keep an operator from selling, or let them again."""
    operator = get_object_or_404(queries.operators_seen_by(request.user), pk=operator_id)
    told = "They can sell nothing from this moment on; their shift can still be counted."
    return _switch(request, operator, str(operator.user), services.set_operator_active, told=told)


@reads_or_posts
@permission_required(["vendors.add_operator", queries.ACT_FOR_UTILITY], raise_exception=True)
def remove_operator(request: PageRequest, operator_id: int) -> HttpResponse:
    """Undo that somebody was made an operator by mistake."""
    operator = get_object_or_404(queries.operators_seen_by(request.user), pk=operator_id)
    found, user = operator.vendor, operator.user
    form = ReasonForm(request.POST or None)

    def act() -> HttpResponse:
        reason = form.cleaned_data["reason"]
        services.remove_operator(operator, by=request.user, at=timezone.now(), reason=reason)
        return _done(request, found, f"{user} does not belong to {found} any more.")

    sentences = [
        "They no longer sell for it or see what is its. Only for whoever has not worked there yet."
    ]
    title = f"Remove {user}"
    return _ask(request, found, form, act, title=title, button="Remove", sentences=sentences)


def _vendor(request: PageRequest, vendor_id: int) -> Vendor:
    return get_object_or_404(queries.vendors_seen_by(request.user), pk=vendor_id)


def _switch(
    request: PageRequest, what: Any, name: str, change: Callable[..., object], *, told: str
) -> HttpResponse:
    """Suspend a till or an operator, or activate it again; `told` is what suspending does."""
    form = ReasonForm(request.POST or None)
    is_active = what.is_active

    def act() -> HttpResponse:
        reason = form.cleaned_data["reason"]
        change(what, not is_active, by=request.user, at=timezone.now(), reason=reason)
        return _done(
            request, what.vendor, f"{name} {'is suspended' if is_active else 'is active again'}."
        )

    verb = "Suspend" if is_active else "Activate"
    return _ask(
        request,
        what.vendor,
        form,
        act,
        title=f"{verb} {name}",
        button=verb,
        tone="danger" if is_active else "primary",
        sentences=[told if is_active else "It holds from this moment on."],
        back="shifts:tills",
    )


def _done(request: PageRequest, found: Vendor | None, told: str) -> HttpResponse:
    messages.success(request, told, extra_tags="good")
    return redirect("vendors:vendor", found.pk) if found else redirect("shifts:tills")


def _ask(
    request: PageRequest,
    found: Vendor | None,
    form: forms.Form,
    act: Callable[[], HttpResponse],
    *,
    title: str,
    button: str,
    tone: str = "primary",
    sentences: list[str] | None = None,
    back: str = "vendors:list",
) -> HttpResponse:
    """Show a form; act on it when it is complete, and show why not if that is refused.

    Args:
        back: the page to leave to where there is no vendor.
    """
    if request.method == "POST" and form.is_valid():
        try:
            return act()
        except Refusal as error:
            form.add_error(None, error.sentence)
    context = {
        "vendor": found,
        "form": form,
        "title": title,
        "button": button,
        "tone": tone,
        "sentences": sentences or [],
        "back": reverse("vendors:vendor", args=[found.pk]) if found else reverse(back),
        "back_title": found.name if found else "Vendors" if back == "vendors:list" else "Tills",
    }
    return render(request, "vendors/ask.html", context, status=422 if form.is_bound else 200)
