"""The list of sales, and one sale with its receipt, token and delivery."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from headend.accounts.requests import PageRequest
from headend.config.errors import Refusal
from headend.design.paging import LongList
from headend.vending import disclosure, pages, reallocations, receipts, services
from headend.vending.forms import SalesFilter
from headend.vending.models import Disclosure, Sale

PER_PAGE = 50
JUST_SOLD = "just_sold"  # session: the receipt whose original this person may print

may_look = permission_required("vending.view_sale", raise_exception=True)


@require_safe
@may_look
def sales(request: PageRequest) -> HttpResponse:
    """List sales, newest first, with filters and what they add up to."""
    form = SalesFilter(request.GET)
    form.is_valid()  # a field that can't be read shows its error and filters nothing
    wanted = form.cleaned_data
    found = pages.sales(
        text=wanted.get("q", ""),
        first_day=wanted.get("first_day"),
        last_day=wanted.get("last_day"),
        delivery=wanted.get("delivery", ""),
        operator_id=request.user.pk if wanted.get("mine") else None,
        seen_by=request.user,
    )
    sold = LongList(found, PER_PAGE)
    is_filtered = any(wanted.values())
    context = {
        "form": form,
        "filtered": is_filtered,
        "page": sold.get_page(request.GET.get("page")),
        # Of years of sales nobody wants the sum each time that they look at the last ones.
        "totals": pages.totals(found) if is_filtered or not sold.is_cut else None,
    }
    return render(request, "vending/rows.html" if request.htmx else "vending/sales.html", context)


@require_safe
@may_look
@never_cache
def sale(request: PageRequest, receipt_number: str) -> HttpResponse:
    """Show one sale; its receipt prints as the original just after, later as a counted copy.

    A token that is held is given out by the page that a sale at the till leads to. Whoever comes
    to it later by another way, since that page never opened, is asked whether to show it.
    """
    found = _sale(request, receipt_number)
    copy_number = _copy_number(request, found)
    is_original = request.session.get(JUST_SOLD) == found.receipt_number
    just_sold = is_original and "sold" in request.GET
    if just_sold and disclosure.standing_of(found).is_held:
        disclosure.disclose(found, to=request.user, how=Disclosure.How.SHOWN, at=timezone.now())
        found = _sale(request, receipt_number)
    return render(
        request,
        "vending/sale.html",
        {
            "sale": found,
            "receipt": receipts.receipt_of(found, copy_number=copy_number),
            "copy_number": copy_number,
            "may_print": is_original or copy_number,
            "just_sold": just_sold,
            "is_held": disclosure.standing_of(found).is_held,
            "moves_waiting": reallocations.waiting(found),
            **_deliveries(found),
        },
    )


@require_safe
@may_look
@never_cache
def text(request: PageRequest, receipt_number: str) -> HttpResponse:
    """The receipt as plain text: the original once sold, afterwards only a counted copy."""
    found = _sale(request, receipt_number)
    copy_number = _copy_number(request, found)
    if not copy_number and request.session.get(JUST_SOLD) != found.receipt_number:
        return redirect("vending:sale", found.receipt_number)
    paper_mm = 58 if request.GET.get("paper") == "58" else 80
    receipt = receipts.receipt_of(found, copy_number=copy_number)
    return HttpResponse(
        receipts.render_text(receipt, paper_mm=paper_mm), content_type="text/plain; charset=utf-8"
    )


@require_safe
@may_look
def delivery(request: PageRequest, receipt_number: str) -> HttpResponse:
    """The part of the sale's page that follows the token to the meter."""
    found = _sale(request, receipt_number)
    return render(request, "vending/delivery.html", {"sale": found, **_deliveries(found)})


@require_POST
@may_look
def send(request: PageRequest, receipt_number: str) -> HttpResponse:
    """Queue the sale's tokens to their meter; asking twice sends once."""
    found = _sale(request, receipt_number)
    refused = ""
    try:
        services.send_to_meter(sale=found, by=request.user, at=timezone.now())
    except Refusal as error:
        refused = error.sentence
    if request.htmx:
        context = {"sale": found, "refused": refused, **_deliveries(found)}
        return render(request, "vending/delivery.html", context)
    if refused:
        messages.error(request, refused, extra_tags="danger")
    return redirect(reverse("vending:sale", args=[found.receipt_number]) + "#delivery")


@require_POST
@may_look
def copy(request: PageRequest, receipt_number: str) -> HttpResponse:
    """Count one more copy of the receipt and show it, marked as one."""
    found = _sale(request, receipt_number)
    try:
        made = services.reprint(sale=found, by=request.user, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
        return redirect("vending:sale", found.receipt_number)
    return redirect(
        reverse("vending:sale", args=[found.receipt_number]) + f"?copy={made.number}#receipt"
    )


def _sale(request: PageRequest, receipt_number: str) -> Sale:
    return get_object_or_404(pages.sale_numbered(receipt_number, seen_by=request.user))


def _copy_number(request: PageRequest, sale: Sale) -> int:
    """The number of the copy that this person had made; 0 if the address names none of theirs."""
    asked = request.GET.get("copy", "")
    if not (asked.isascii() and asked.isdigit()):
        return 0
    made = sale.copies.filter(number=int(asked[:6]), printed_by=request.user).first()
    return made.number if made else 0


def _deliveries(sale: Sale) -> dict[str, object]:
    found = pages.deliveries(sale)
    return {
        "deliveries": found,
        "any_sent": any(one.command for one in found),
        "under_way": any(one.under_way for one in found),
        "may_send": any(one.may_send for one in found),
    }
