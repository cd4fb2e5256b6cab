"""Pages of the ledger: the trial balance, the accounts of a branch, an account's statement."""

from __future__ import annotations

from itertools import groupby

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from headend.accounts.requests import PageRequest
from headend.ledger import chart, proofs, queries
from headend.ledger.forms import PeriodForm
from headend.ledger.models import Account, Proving

PER_PAGE = 100

may_look = permission_required("ledger.view_entry", raise_exception=True)


@require_safe
@may_look
def trial_balance(request: PageRequest) -> HttpResponse:
    """Show every account's balance, by currency; debits and credits add up to the same."""
    form = PeriodForm(request.GET)
    _, until = form.period()
    balances = queries.trial_balance(until=until, collapsed=True)
    by_currency = sorted(balances, key=lambda one: one.currency)
    proving = Proving.objects.order_by("-at", "-pk").first()
    return render(
        request,
        "ledger/trial_balance.html",
        {
            "form": form,
            "until": until,
            "tables": [
                _table(currency, queries.by_kind(rows))
                for currency, rows in groupby(by_currency, key=lambda one: one.currency)
            ],
            "proving": proving,
            "differences": proofs.differences_of(proving) if proving else [],
        },
    )


@require_safe
@may_look
def branch(request: PageRequest, name: str) -> HttpResponse:
    """List the accounts of a branch that the trial balance shows as one figure."""
    if name not in chart.SUBLEDGERS:
        raise Http404
    page = Paginator(queries.accounts_of(name), PER_PAGE).get_page(request.GET.get("page"))
    balances = queries.balances(page.object_list)
    context = {"branch": chart.name(name), "page": page, "balances": balances}
    return render(request, "ledger/branch.html", context)


@require_safe
@may_look
def account(request: PageRequest, code: str, currency: str) -> HttpResponse:
    """Show an account's movements in a period with the balance after each."""
    found = get_object_or_404(Account, code=code, currency=currency)
    form = PeriodForm(request.GET)
    since, until = form.period()
    statement = queries.statement(found, since=since, until=until)
    page = Paginator(statement.lines, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "ledger/account.html",
        {"account": found, "form": form, "statement": statement, "page": page},
    )


def _table(currency: str, groups: list[queries.Group]) -> dict[str, object]:
    return {
        "currency": currency,
        "groups": groups,
        "debits_minor": sum(one.debits_minor for one in groups),
        "credits_minor": sum(one.credits_minor for one in groups),
    }
