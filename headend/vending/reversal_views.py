"""Pages for disclosing a held token, reversing a sale, and requesting a move.

Each has a page that says beforehand what will happen.
"""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.meters.queries import meter_numbered
from headend.vending import disclosure, pages, reallocations, reversals
from headend.vending.forms import MoveForm, ReverseForm
from headend.vending.models import Disclosure, Reallocation, Sale


@require_POST
@permission_required(["vending.view_sale", "vending.vend"], raise_exception=True)
def show(request: PageRequest, receipt_number: str) -> HttpResponse:
    """Give out a token that was held back; from now on the sale can't be reversed."""
    found = _sale(request, receipt_number)
    try:
        disclosure.disclose(found, to=request.user, how=Disclosure.How.SHOWN, at=timezone.now())
    except Refusal as error:
        messages.error(request, error.sentence, extra_tags="danger")
    return redirect("vending:sale", found.receipt_number)


@reads_or_posts
@permission_required("vending.reverse", raise_exception=True)
@never_cache
def reverse(request: PageRequest, receipt_number: str) -> HttpResponse:
    """Say what taking the sale back does, or why it can't be; on confirmation do it, once."""
    found = _sale(request, receipt_number)
    form = ReverseForm(request.POST or None, initial={"message_id": uuid.uuid4()})
    if request.method == "POST" and form.is_valid():
        try:
            reversals.reverse(
                caller=f"user:{request.user.pk}",
                message_id=str(form.cleaned_data["message_id"]),
                sale=found,
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, "The sale is reversed.", extra_tags="good")
            return redirect("vending:sale", found.receipt_number)
    context = {"sale": found, "form": form, "grounds": None, "refused": ""}
    try:
        context["grounds"] = reversals.grounds_of(found)
    except Refusal as error:
        context["refused"] = error.sentence
    status = 422 if request.method == "POST" else 200
    return render(request, "vending/reverse.html", context, status=status)


@reads_or_posts
@permission_required("vending.reallocate", raise_exception=True)
@never_cache
def move(request: PageRequest, receipt_number: str) -> HttpResponse:
    """Ask for the value of a sale to be moved to another meter, which somebody else approves."""
    found = _sale(request, receipt_number)
    form = MoveForm(request.POST or None, bearers=reallocations.bearers_for(found))
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            approval = reallocations.request(
                found,
                to=meter_numbered(asked["meter"]),
                bearer=Reallocation.Bearer(asked["bearer"]),
                by=request.user,
                at=timezone.now(),
                reason=asked["reason"],
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(request, f"Asked for: {approval.summary}", extra_tags="good")
            return redirect("vending:sale", found.receipt_number)
    status = 422 if request.method == "POST" else 200
    context = {"sale": found, "form": form}
    return render(request, "vending/move.html", context, status=status)


def _sale(request: PageRequest, receipt_number: str) -> Sale:
    return get_object_or_404(pages.sale_numbered(receipt_number, seen_by=request.user))
