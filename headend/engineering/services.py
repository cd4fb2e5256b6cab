"""Orders engineering tokens: at once, or after a second person's approval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from headend.accounts import approvals
from headend.accounts.models import Approval, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config.errors import NotPermitted
from headend.engineering.errors import NothingToSend, NotReplaceable
from headend.engineering.kinds import Kind, Values
from headend.engineering.models import EngineeringToken
from headend.fleet.models import Command
from headend.fleet.services import queue_token
from headend.meters.models import KeyChange, Meter
from headend.securitymodule.services import refusals_recorded
from headend.securitymodule.tokens import Credit
from headend.vending import disclosure, key_changes
from headend.vending.issuing import issue
from headend.vending.models import IssuedToken, Sale, TokenDelivery
from headend.vending.reversals import objected_by
from headend.vending.unused import tokens_not_entered
from headend.vendors.queries import vendor_of

REPLACEMENT = "replacement"
REPLACE_ACT = "engineering.replace_credit"


@dataclass(frozen=True)
class Ordered:
    """What became of an order: one of the two."""

    token: IssuedToken | None = None
    approval: Approval | None = None


def order(
    kind: Kind,
    meter: Meter,
    given: Values,
    *,
    by: User,
    at: datetime,
    reason: str,
    source: str = "",
) -> Ordered:
    """Order a token for a meter.

    Args:
        kind: which, from `kinds.kind_named`.
        meter: for which meter.
        given: a value for each of the kind's fields; those with a default may be left out.
        by: who orders it; needs the kind's permission and belongs to no vendor.
        at: now.
        reason: why; required.
        source: the channel it was asked for by.

    Returns:
        Ordered: the token; or the request, if the kind needs a second person.

    Raises:
        NotPermitted: `by` may not.
        InvalidTokenFields: a value is missing or outside its range.
        KeyRefused, InvalidTokenContent, TokenIdentifiersExhausted: it can't be made.
    """
    require_engineer(by, kind.permission)
    values = kind.read(given)
    if not kind.two_people:
        made = issue_approved(
            kind, meter, values, by=by, approved_by=None, at=at, reason=reason, source=source
        )
        return Ordered(token=made.token)
    approval = approvals.request(
        kind.act,
        {"meter": meter.pk, "values": values, "reason": reason, "source": source},
        by,
        at,
        reason,
        f"{kind.in_words(values)}, for meter {meter}",
    )
    return Ordered(approval=approval)


def issue_approved(
    kind: Kind,
    meter: Meter,
    values: Values,
    *,
    by: User,
    approved_by: User | None,
    at: datetime,
    reason: str,
    source: str = "",
) -> EngineeringToken:
    """Make a token that was ordered, and approved if its kind needs it; arguments as `order`.

    Args:
        approved_by: the second person; None where the kind needs none.
    """
    require_engineer(by, kind.permission)
    if kind.two_people and (approved_by is None or approved_by == by):
        raise NotPermitted(f"“{kind.title}” needs a second person: {kind.two_people}")
    with refusals_recorded(by=by, at=at), transaction.atomic():
        token = issue(
            meter=meter,
            content=kind.make(meter, values),
            purpose=kind.in_words(values),
            by=by,
            at=at,
            reason=reason,
            source=source,
        )
        return EngineeringToken.objects.create(
            token=token,
            kind=kind.slug,
            values=dict(values),
            reason=reason[:300],
            ordered_by=by,
            approved_by=approved_by,
        )


def order_replacement(
    token: IssuedToken, *, by: User, at: datetime, reason: str, source: str = ""
) -> Approval:
    """Ask for credit to be made again under the key that its meter has.

    Args:
        token: a credit token made under the new key of a change that was not entered, or under
            the old key and not entered before the meter took its new one.
        by: who asks; needs engineering.issue_replacement.
        at: now.
        reason: how it is known that the meter was not changed, or that the token was not entered.
        source: the channel it was asked for by.

    Raises:
        NotReplaceable: it is no such token, or was made again before.
    """
    require_engineer(by, "engineering.issue_replacement")
    change = missed_change(token)
    return approvals.request(
        REPLACE_ACT,
        {"meter": token.meter_id, "token": token.pk, "reason": reason, "source": source},
        by,
        at,
        reason,
        f"{_kwh(token)} kWh of {timezone.localdate(token.issued_at)} for meter {token.meter} "
        f"once more, under {_key_of(change)}",
    )


@transaction.atomic
def replace_credit(
    token: IssuedToken, *, by: User, approved_by: User, at: datetime, reason: str, source: str = ""
) -> EngineeringToken:
    """Make the credit again under the key that its meter has; arguments as `order_replacement`.

    Should the meter take the new key after all, or have taken the token before it, both tokens
    would count: that is what the second person decides on.
    """
    require_engineer(by, "engineering.issue_replacement")
    # A reversal of the token's sale holds the meter too: one of the two comes first.
    key_changes.lock(token.meter)
    change = missed_change(token)
    made = issue(
        meter=token.meter,
        content=Credit(token.units or 0),
        purpose=f"{_kwh(token)} kWh once more, under {_key_of(change)}",
        by=by,
        at=at,
        reason=reason,
        source=source,
        earlier_key=change if change.state == KeyChange.State.ISSUED else None,
    )
    return EngineeringToken.objects.create(
        token=made,
        kind=REPLACEMENT,
        values={"replaces": token.pk, "units": token.units},
        reason=reason[:300],
        ordered_by=by,
        approved_by=approved_by,
        replaces=token,
    )


def missed_change(token: IssuedToken) -> KeyChange:
    """Return the key change that keeps a meter from taking a credit token.

    It was not entered, though the token counts on it; or it was, and the token before it was not.

    Raises:
        NotReplaceable: there is none, or the credit was made again before.
    """
    if token.token_class != 0 or not token.units:
        raise NotReplaceable(f"token {token.pk} carries no credit")
    if disclosure.digits_of(token) is None:
        raise NotReplaceable("nobody was given this token: its sale is held back or was reversed")
    if EngineeringToken.objects.filter(replaces=token).exists():
        raise NotReplaceable("this credit was reissued already")
    lost_to = _lost_to(token)
    if lost_to is not None:
        return lost_to
    change = (
        KeyChange.objects.filter(meter=token.meter_id, issued_at__lte=token.issued_at)
        .order_by("-pk")
        .first()
    )
    if change is None or change.state not in (KeyChange.State.ISSUED, KeyChange.State.WITHDRAWN):
        raise NotReplaceable(f"meter {token.meter} has the key that this token was made under")
    if change.ended_at is not None and token.issued_at > change.ended_at:
        raise NotReplaceable("this token was made after the key change was taken back")
    if change.state == KeyChange.State.ISSUED and change.is_roll_over:
        raise NotReplaceable(
            f"the base date of meter {token.meter} changed; take the key change back first"
        )
    return change


def is_lost_to_new_key(token: IssuedToken) -> bool:
    """Say whether the meter has another key by now than the one that a token was made under."""
    return _key_entered_since(token) is not None


def _key_entered_since(token: IssuedToken) -> KeyChange | None:
    entered = KeyChange.objects.filter(
        meter=token.meter_id, state=KeyChange.State.ENTERED, issued_at__gt=token.issued_at
    )
    return entered.order_by("-pk").first()


def _lost_to(token: IssuedToken) -> KeyChange | None:
    """Return the change by which a token, that was not entered before, is lost.

    Raises:
        NotReplaceable: the meter told that it took the token before.
    """
    change = _key_entered_since(token)
    if change is None:
        return None
    open_tokens = tokens_not_entered(token.meter, since=token.issued_at)
    if token.pk not in {one.pk for one in open_tokens}:
        raise NotReplaceable(f"meter {token.meter} took this token")
    return change


@objected_by
def credit_was_made_again(sale: Sale) -> str | None:
    """Say that a sale can't be taken back, for its energy is in another token by now."""
    again = EngineeringToken.objects.filter(replaces__sale=sale).exists()
    return "its credit was made again under another key of the meter" if again else None


@transaction.atomic
def send(token: IssuedToken, *, by: User, at: datetime) -> Command:
    """Send an engineer's token to its meter; again while it is under way changes nothing.

    Raises:
        NothingToSend: it came with a sale, which has its own way, or belongs to a key change.
        NotPermitted: `by` may not send tokens.
    """
    require_engineer(by, "fleet.send_token")
    if token.sale_id is not None or token.key_change_id is not None:
        raise NothingToSend(f"token {token.pk} is sent with what it came with")
    command = queue_token(
        meter=token.meter,
        digits=token.digits,
        requested_by=by,
        token_identifier=token.tid,
        at=at,
    )
    _, is_new = TokenDelivery.objects.get_or_create(token=token, command=command)
    if is_new:
        audit.record(actor=by, action="engineering.send", target=token, at=at)
    return command


def require_engineer(by: User, permission: str) -> None:
    """Let only the utility's own people go on, and they only with a permission.

    Raises:
        NotPermitted: `by` belongs to a vendor or lacks the permission.
    """
    require(by, permission)
    if vendor_of(by) is not None:
        raise NotPermitted(f"{by.username} belongs to a vendor; only the utility may do this")


def waiting_for(meter: Meter, acts: frozenset[str]) -> list[Approval]:
    """Return the requests for a meter that wait for a second person."""
    waiting = Approval.objects.filter(act__in=acts, state=Approval.OPEN, arguments__meter=meter.pk)
    return list(waiting.select_related("requested_by").order_by("pk"))


def _key_of(change: KeyChange) -> str:
    entered = change.state == KeyChange.State.ENTERED
    return "the key it has by now" if entered else "the key it had before"


def _kwh(token: IssuedToken) -> str:
    units: Any = token.units or 0
    return f"{units // 10}.{units % 10}"
