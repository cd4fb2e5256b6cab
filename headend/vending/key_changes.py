"""The life of a key change: prepared, issued, entered or withdrawn.

Issued means that somebody has its tokens. From then on the meter is vended for under its new key,
and its purchases print the tokens before the credit until the meter is known to have entered them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from headend.accounts.models import User
from headend.audit import services as audit
from headend.fleet.delivery import UNFINISHED
from headend.fleet.models import Command, MeterState, WorkItem
from headend.fleet.services import cancel, queue_token
from headend.fleet.states import on_state
from headend.meters.errors import InvalidMeter
from headend.meters.keys import attributes_of, with_attributes
from headend.meters.models import KeyChange, Meter
from headend.securitymodule.services import usable_vending_key
from headend.securitymodule.tokens import generate_key_change
from headend.vending import key_evidence
from headend.vending.errors import InvalidKeyChange, KeyChangeOver, KeyChangeUnderWay
from headend.vending.models import IssuedToken, TokenDelivery
from shared.sts.token import KEY_SECTIONS, MANAGEMENT_CLASS

State, Evidence = KeyChange.State, KeyChange.Evidence
UNDER_WAY = (State.PREPARED, State.ISSUED)


@transaction.atomic
def prepare(
    meter: Meter,
    *,
    changes: Mapping[str, Any],
    by: User,
    at: datetime,
    reason: str,
    token_count: int | None = None,
    with_tokens: bool = True,
    source: str = "",
) -> KeyChange:
    """Prepare a key change. The meter stays under its present key until the change is issued.

    The caller checks its permission, and wraps its transaction in `refusals_recorded`.

    Args:
        meter: which; read again and locked until the transaction ends.
        changes: new values of sgc, kt, krn, ti or base_date; what is left out stays. The key
            expiry number is that of the new vending key.
        by: who has it made.
        at: now.
        reason: why.
        token_count: 2 or 3 for EA07, 4 for EA11; None chooses: 3 when the supply group changes
            or the meter is one of ours, for only the larger set tells it.
        with_tokens: also make the tokens now; otherwise they are made when they are issued.
        source: the channel it was asked for by.

    Raises:
        InvalidKeyChange: nothing changes, the base date goes back, or no key is like that.
        KeyChangeUnderWay: the meter has one that is not over.
        KeyRefused: a key can't be used.
    """
    lock(meter)
    earlier = under_way(meter)
    if earlier is not None:
        since = timezone.localdate(earlier.prepared_at)
        raise KeyChangeUnderWay(
            f"meter {meter} has a key change under way since {since}; "
            "confirm that its tokens were entered, or take it back"
        )
    changed = _changed(meter, changes, at)
    change = KeyChange.objects.create(
        meter=meter,
        before=attributes_of(meter),
        after=attributes_of(changed),
        token_count=token_count or _usual_count(meter, changed),
        reason=reason[:300],
        prepared_by=by,
        prepared_at=at,
    )
    audit.record(
        actor=by,
        action="vending.prepare_key_change",
        target=change,
        at=at,
        before=change.before,
        after=change.after,
        reason=reason,
        source=source,
    )
    if with_tokens:
        _make(change, at)
    Meter.objects.filter(pk=meter.pk).update(has_key_change_due=True)
    meter.has_key_change_due = True
    return change


def make_tokens(change: KeyChange, *, at: datetime) -> list[IssuedToken]:
    """Return the tokens of a key change in order of entry; make them if they are not made yet.

    Raises:
        KeyRefused, InvalidTokenContent: they can't be made.
    """
    return tokens_of(change) or _make(change, at)


def _make(change: KeyChange, at: datetime) -> list[IssuedToken]:
    present = with_attributes(change.meter, change.before)
    digits = generate_key_change(
        present, with_attributes(change.meter, change.after), count=change.token_count, at=at
    )
    made = IssuedToken.objects.bulk_create(
        IssuedToken(
            meter=change.meter,
            position=position,
            digits=one,
            token_class=MANAGEMENT_CLASS,
            subclass=KEY_SECTIONS[position],
            base_date=present.base_date,
            krn=present.krn,
            key_change=change,
            purpose=f"New key {position + 1} of {len(digits)}",
            issued_by=change.prepared_by,
            issued_at=at,
        )
        for position, one in enumerate(digits)
    )
    audit.record(
        actor=change.prepared_by,
        action="vending.make_key_change_tokens",
        target=change,
        at=at,
        after={"meter": change.meter.drn, "tokens": len(digits)},
    )
    return made


def tokens_of(change: KeyChange) -> list[IssuedToken]:
    """Return the tokens that were made for a key change, in order of entry."""
    return list(change.tokens.filter(sale=None).order_by("position"))


@transaction.atomic
def issue(change: KeyChange, *, by: User | None, at: datetime) -> list[IssuedToken]:
    """Give the tokens out: from now on the meter is vended for under its new key.

    Issuing again what is issued changes nothing and returns the same tokens. If the meter is
    online and tells that it has the new key, because the register was wrong, the change is over at
    once: it would refuse the tokens.

    Raises:
        KeyChangeOver: it has ended.
        KeyRefused, InvalidTokenContent: the tokens were not made before and can't be made.
    """
    meter = _locked(change)
    if change.state not in UNDER_WAY:
        raise _over(change)
    tokens = make_tokens(change, at=at)
    if change.state == State.ISSUED:
        return tokens
    change.previous_last_tid = meter.last_tid
    change.state = State.ISSUED
    change.issued_at = at
    change.save(update_fields=["previous_last_tid", "state", "issued_at"])
    last_tid = _last_issued_tid(meter, change.after) if change.is_roll_over else meter.last_tid
    _give_attributes(meter, change.after, last_tid)
    audit.record(
        actor=by,
        action="vending.issue_key_change",
        target=change,
        at=at,
        before=change.before,
        after=change.after,
    )
    if key_evidence.tells_new_key(change):
        mark_entered(change, evidence=Evidence.METER, by=None, at=at)
    return tokens


@transaction.atomic
def push(change: KeyChange, *, by: User | None, at: datetime) -> list[Command]:
    """Issue the tokens if they are not issued, and send them to the meter in order of entry.

    Credit that is not known to be entered goes first: under the new key it would be worthless.

    Args:
        change: which.
        by: who sends, needs fleet.send_token; None for the system.
        at: now.

    Returns:
        list: the orders; none if the meter tells that it has the new key.

    Raises:
        KeyChangeOver, KeyRefused, InvalidTokenContent: as `issue`.
    """
    was_issued = change.state == State.ISSUED
    tokens = issue(change, by=by, at=at)
    if change.state == State.ENTERED:
        return []
    before = [] if was_issued else key_evidence.credit_before(change, at=at)
    commands = []
    for token in [*before, *tokens]:
        command = queue_token(
            meter=change.meter,
            digits=token.digits,
            requested_by=by,
            token_identifier=token.tid,
            at=at,
        )
        TokenDelivery.objects.get_or_create(token=token, command=command)
        commands.append(command)
    change.pushed_at = at
    change.save(update_fields=["pushed_at"])
    return commands


@transaction.atomic
def mark_entered(
    change: KeyChange, *, evidence: str, by: User | None, at: datetime, reason: str = ""
) -> None:
    """Record that the meter has its new key; purchases stop printing the tokens.

    Args:
        change: an issued one.
        evidence: one of KeyChange.Evidence.
        by: who says so; None for the system.
        at: now.
        reason: how a person knows.

    Raises:
        KeyChangeOver: it has ended.
        InvalidKeyChange: nobody has its tokens yet.
    """
    meter = _locked(change)
    if change.state not in UNDER_WAY:
        raise _over(change)
    if change.state == State.PREPARED:
        raise InvalidKeyChange(f"the tokens for meter {meter} were not given to anybody yet")
    if evidence == Evidence.PERSON and key_evidence.tells_old_key(change):
        raise InvalidKeyChange(
            f"meter {meter} is online and tells that it has its old key; send or enter the tokens"
        )
    _end(change, State.ENTERED, at, evidence=evidence)
    _give_attributes(meter, {}, meter.last_tid)
    WorkItem.objects.filter(command__delivers__token__key_change=change, closed_at=None).update(
        closed_at=at
    )
    audit.record(
        actor=by,
        action="vending.key_change_entered",
        target=change,
        at=at,
        before={"state": State.ISSUED},
        after={"state": State.ENTERED, "evidence": evidence},
        reason=reason,
    )


@transaction.atomic
def withdraw(change: KeyChange, *, by: User | None, at: datetime, reason: str) -> None:
    """Take a key change back: the meter was not changed, and is vended for under its old key.

    Orders that carry its tokens are called back, also those that were sent and not answered.

    Args:
        change: a prepared or issued one, or one that was noted as entered though it was not.
        by: who takes it back; None for the system.
        at: now.
        reason: why.

    Raises:
        KeyChangeOver: it has ended.
    """
    meter = _locked(change)
    if not can_be_withdrawn(change):
        raise _over(change)
    was = change.state
    _end(change, State.WITHDRAWN, at)
    ours = Command.objects.filter(delivers__token__key_change=change, state__in=UNFINISHED)
    for command in ours.distinct():
        cancel(command=command, cancelled_by=None, even_if_sent=True, at=at)
    back, last_tid = {}, meter.last_tid
    if was != State.PREPARED:
        back = change.before
        if change.is_roll_over:
            tids = (change.previous_last_tid, _last_issued_tid(meter, change.before))
            last_tid = max((tid for tid in tids if tid is not None), default=None)
    _give_attributes(meter, back, last_tid)
    audit.record(
        actor=by,
        action="vending.withdraw_key_change",
        target=change,
        at=at,
        before={"state": was},
        after={"state": State.WITHDRAWN} | back,
        reason=reason,
    )


def can_be_withdrawn(change: KeyChange) -> bool:
    """Say whether a key change can be taken back: unless the meter itself reported its key.

    That it was entered may be a person's error, or purchases whose tokens were never typed.
    """
    if change.state in UNDER_WAY:
        return True
    is_last = not KeyChange.objects.filter(meter=change.meter_id, pk__gt=change.pk).exists()
    return change.state == State.ENTERED and change.evidence != Evidence.METER and is_last


def under_way(meter: Meter) -> KeyChange | None:
    """Return the meter's key change that is not over, if there is one."""
    return KeyChange.objects.filter(meter=meter, state__in=UNDER_WAY).first()


def lock(meter: Meter) -> None:
    """Read a meter's row again and hold it until the transaction ends."""
    meter.refresh_from_db(from_queryset=Meter.objects.select_for_update())


@on_state
def confirm_reported(meter: Meter, state: MeterState, at: datetime) -> None:
    """End the key change of a meter that reports its new key, once its report is stored.

    Only then, for a sale locks a meter before its link and a report holds the link.
    """
    if meter.has_key_change_due:
        told = dict(state.content)
        transaction.on_commit(lambda: _confirm(meter, told, at), robust=True)


def _confirm(meter: Meter, told: Mapping[str, Any], at: datetime) -> None:
    change = KeyChange.objects.filter(meter=meter, state=State.ISSUED).first()
    if change is not None and key_evidence.shows_new_key(change, told):
        mark_entered(change, evidence=Evidence.METER, by=None, at=at)


def _changed(meter: Meter, changes: Mapping[str, Any], at: datetime) -> Meter:
    """Return the meter as it will be, with the expiry number of its new vending key."""
    try:
        changed = with_attributes(meter, changes)
    except InvalidMeter as error:
        raise InvalidKeyChange(str(error)) from None
    if changed.base_date < meter.base_date:
        raise InvalidKeyChange(
            f"meter {meter} counts from {meter.base_date}; a base date never goes back"
        )
    changed.ken = usable_vending_key(changed, at).ken
    if attributes_of(changed) == attributes_of(meter):
        raise InvalidKeyChange(f"meter {meter} has that key already; nothing would change")
    return changed


def _usual_count(meter: Meter, changed: Meter) -> int:
    if meter.ea == 11:
        return 4
    tells_group = changed.sgc != meter.sgc or MeterState.objects.filter(meter=meter).exists()
    return 3 if tells_group else 2


def _locked(change: KeyChange) -> Meter:
    lock(change.meter)
    meter = change.meter
    change.refresh_from_db()
    change.meter = meter
    return meter


def _end(change: KeyChange, state: KeyChange.State, at: datetime, *, evidence: str = "") -> None:
    change.state, change.ended_at, change.evidence = state, at, evidence
    change.save(update_fields=["state", "ended_at", "evidence"])


def _give_attributes(meter: Meter, attributes: Mapping[str, Any], last_tid: int | None) -> None:
    """Store a meter's key attributes; a key change is due as long as one is under way."""
    now = {
        **attributes,
        "last_tid": last_tid,
        "has_key_change_due": under_way(meter) is not None,
    }
    Meter.objects.filter(pk=meter.pk).update(**now)
    for name, value in now.items():
        setattr(meter, name, value)


def _last_issued_tid(meter: Meter, attributes: Mapping[str, Any]) -> int | None:
    """Return the highest identifier of the meter's tokens on the base date of some attributes."""
    on_it = IssuedToken.objects.filter(meter=meter, base_date=attributes["base_date"])
    highest: int | None = on_it.aggregate(highest=Max("tid"))["highest"]
    return highest


def _over(change: KeyChange) -> KeyChangeOver:
    return KeyChangeOver(f"the key change of meter {change.meter} is over: {change.state}")
