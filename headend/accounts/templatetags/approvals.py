"""The notice of a request that waits on a page: ``{% load approvals %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context

from headend.accounts import approvals
from headend.accounts.models import Approval

register = template.Library()


@register.inclusion_tag("accounts/waits.html", takes_context=True)
def waits(
    context: Context, approval: Approval, headline: str = "Waits for a second person"
) -> dict[str, Any]:
    """Tell of a request that waits; it leads to the request whoever may see that."""
    may_see = approvals.may_see(context["user"], approval)
    return {"one": approval, "headline": headline, "may_see": may_see}
