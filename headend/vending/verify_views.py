"""The page that tells whether a token was issued here, for whoever is shown 20 digits."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from headend.accounts.requests import PageRequest
from headend.config.errors import Refusal
from headend.meters.queries import meter_numbered
from headend.vending import verification
from headend.vending.forms import VerifyForm


@require_http_methods(["GET", "POST"])
@permission_required("vending.view_sale", raise_exception=True)
@never_cache
def verify(request: PageRequest) -> HttpResponse:
    """Ask for meter and token, and say what is known; a token never goes into an address."""
    form = VerifyForm(request.POST or None)
    meter = found = None
    if form.is_valid():
        try:
            meter = meter_numbered(form.cleaned_data["meter"])
        except Refusal as error:
            form.add_error("meter", error.sentence)
        else:
            digits = form.cleaned_data["token"]
            found = verification.verify(meter=meter, digits=digits, seen_by=request.user)
    return render(request, "vending/verify.html", {"form": form, "meter": meter, "found": found})
