"""Reissues tokens sold for a meter that was replaced before they were entered.

Such a token is issued anew for the new meter only if the old meter's own messages prove that it
was not entered before the meter was taken down: all of them are stored, up to a state that it told
afterwards, and none accepts the token. From then on the meter is in the utility's hands. Without
that proof two people see to a reallocation of the sale.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.fleet.models import MeterLink, MeterState
from headend.meters.models import Meter
from headend.securitymodule.services import refusals_recorded
from headend.securitymodule.tokens import Credit
from headend.supply.errors import NotProvedUnused, ReplacementNotPossible
from headend.supply.models import Replacement, SecondIssue
from headend.supply.replacements import locked, locked_meters
from headend.vending import disclosure, unused
from headend.vending.issuing import issue
from headend.vending.models import IssuedToken
from headend.vending.unused import tokens_not_entered


def reissue(
    replacement: Replacement, token: IssuedToken, *, by: User, at: datetime
) -> SecondIssue:
    """Issue a token of the old meter anew for the new one, if it is proved unused.

    Args:
        replacement: of the meter that the token was made for.
        token: one that may not have been entered.
        by: who asks; needs supply.replace_meter.
        at: now.

    Raises:
        ReplacementNotPossible: no such token, or it was issued anew already.
        NotProvedUnused: the old meter's messages do not prove it, or it hangs again, where the
            token could be entered; ask for a reallocation.
    """
    require(by, "supply.replace_meter")
    with refusals_recorded(by=by, at=at), transaction.atomic():
        # A reversal of the token's sale holds the old meter: one of the two comes first.
        locked_meters(replacement.old_meter_id, replacement.new_meter_id)
        kept = locked(replacement)
        if token.pk not in {one.pk for one in open_tokens(kept)}:
            raise ReplacementNotPossible(
                f"token …{token.digits[-4:]} cannot be reissued: it was already, or was entered, "
                "or is of another meter"
            )
        _require_down(kept, token)
        messages = _proof(kept, token)
        made = SecondIssue.objects.create(
            replacement=kept,
            old_token=token,
            new_token=issue(
                meter=kept.new_meter,
                content=Credit(token.units or 0),
                purpose=f"in place of a token for replaced meter {kept.old_meter}",
                by=by,
                at=at,
                reason=str(kept),
            ),
            proof=f"messages {messages[0]} to {messages[1]} of meter {kept.old_meter}",
            at=at,
            by=by,
        )
        audit.record(
            actor=by,
            action="supply.reissue_token",
            target=kept,
            at=at,
            after={"tid": token.tid, "new_tid": made.new_token.tid, "proof": made.proof},
        )
        return made


def open_tokens(replacement: Replacement) -> list[IssuedToken]:
    """Return the tokens of the old meter that were not issued anew nor known to be entered.

    One that is held back is not among them: nobody has it, so its sale can be reversed.
    """
    tokens = tokens_not_entered(replacement.old_meter, since=replacement.agreement.started_at)
    issued = set(
        SecondIssue.objects.filter(old_token__in=tokens).values_list("old_token", flat=True)
    )
    return [
        one
        for one in tokens
        if one.pk not in issued
        and one.issued_at < replacement.replaced_at
        and disclosure.digits_of(one) is not None
    ]


def is_proved_unused(replacement: Replacement, token: IssuedToken) -> bool:
    """Say whether the old meter is down and its messages prove that a token was not entered."""
    try:
        _require_down(replacement, token)
        _proof(replacement, token)
    except NotProvedUnused:
        return False
    return True


def _require_down(replacement: Replacement, token: IssuedToken) -> None:
    if replacement.old_meter.status == Meter.Status.INSTALLED:
        raise NotProvedUnused(
            f"meter {replacement.old_meter} is installed again, and token …{token.digits[-4:]} "
            "could be entered there; ask for the sale to be moved instead"
        )


def _proof(replacement: Replacement, token: IssuedToken) -> list[list[int]]:
    """Return the messages that prove a token unused: all up to one told after the replacement.

    The meter is in the utility's hands from then on.
    """
    refused = NotProvedUnused(
        f"meter {replacement.old_meter} does not prove that token …{token.digits[-4:]} was not "
        "entered; ask for the sale to be moved instead"
    )
    state = MeterState.objects.filter(meter=replacement.old_meter_id).first()
    link = MeterLink.objects.filter(meter=replacement.old_meter_id).first()
    if state is None or link is None or state.received_at < replacement.replaced_at:
        raise refused
    last = (state.last_boot, state.last_seq)
    if last > (link.stored_boot, link.stored_seq):
        raise refused
    messages = unused.messages_without(token, until=last)
    if messages is None:
        raise refused
    return messages
