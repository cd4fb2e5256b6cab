"""Pages of payments at the bank: those in suspense, a new one, and where one belongs."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from headend.accounts.models import Approval
from headend.accounts.requests import PageRequest, reads_or_posts
from headend.config.errors import Refusal
from headend.ledger import queries, suspense
from headend.ledger.forms import ClearingForm, PaymentForm
from headend.ledger.models import BankPayment

PER_PAGE = 50

may_look = permission_required("ledger.view_bankpayment", raise_exception=True)


@require_safe
@may_look
def payments(request: PageRequest) -> HttpResponse:
    """List payments: those that wait, or all; `q` searches."""
    text = request.GET.get("q", "").strip()
    shows_all = "all" in request.GET or bool(text)
    found = BankPayment.objects.order_by("-paid_on", "-pk")
    waiting = found.filter(state=BankPayment.WAITING)
    for word in text.split():
        found = found.filter(
            Q(reference__icontains=word) | Q(payer__icontains=word) | Q(text__icontains=word)
        )
    rows = found if shows_all else waiting
    context = {
        "q": text,
        "shows_all": shows_all,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "waiting": _totals(waiting),
        "count": waiting.count(),
        "oldest": waiting.last(),
    }
    return render(request, "ledger/payments.html", context)


def _totals(found: QuerySet[BankPayment]) -> list[tuple[str, int]]:
    """Return what payments add up to in each currency, the base one first."""
    rows = found.order_by().values_list("currency").annotate(total=Sum("amount_minor"))
    totals = {settings.BASE_CURRENCY: 0} | dict(rows)
    return sorted(totals.items(), key=lambda one: (one[0] != settings.BASE_CURRENCY, one[0]))


@reads_or_posts
@permission_required("ledger.add_bankpayment", raise_exception=True)
def add(request: PageRequest) -> HttpResponse:
    """Enter a payment that the bank tells of."""
    form = PaymentForm(
        request.POST or None,
        initial={"paid_on": timezone.localdate()},
        others=queries.currencies(),
    )
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            entered = suspense.enter(
                reference=asked["reference"],
                amount_minor=asked["amount"],
                currency=asked["currency"],
                paid_on=asked["paid_on"],
                payer=asked["payer"],
                text=asked["text"],
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            return redirect("ledger:payment", entered.pk)
    status = 422 if form.is_bound else 200
    return render(request, "ledger/payment_new.html", {"form": form}, status=status)


@reads_or_posts
@may_look
def payment(request: PageRequest, payment_id: int) -> HttpResponse:
    """Show one payment; ask for it to go where it belongs."""
    found = get_object_or_404(BankPayment, pk=payment_id)
    waiting = Approval.objects.filter(
        act=suspense.CLEAR, state=Approval.OPEN, arguments__payment=found.pk
    ).select_related("requested_by")
    may_clear = (
        request.user.has_perm(suspense.CLEAR)
        and found.state == BankPayment.WAITING
        and not waiting
    )
    form = ClearingForm(request.POST or None) if may_clear else None
    if form is not None and request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            suspense.request_clearing(
                found,
                to=asked["to"],
                names=asked["names"],
                reason=asked["reason"],
                by=request.user,
                at=timezone.now(),
            )
        except Refusal as error:
            form.add_error(None, error.sentence)
        else:
            messages.success(
                request, "Asked for: somebody else has to approve it.", extra_tags="info"
            )
            return redirect("ledger:payment", found.pk)
    context = {"payment": found, "form": form, "waiting": waiting}
    status = 422 if form is not None and form.is_bound else 200
    return render(request, "ledger/payment.html", context, status=status)
