"""Everything that changes the meter register."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import batches, statements, writing
from headend.meters.errors import InvalidMeter, InvalidMeterNumber, TokenIdentifiersExhausted
from headend.meters.models import Meter
from shared.sts import identifiers, token_identifier
from shared.sts.errors import StsError

_DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class KeyAttributes:
    """What a meter's decoder key was made of (STS clause on key attributes)."""

    sgc: str
    kt: int = 2
    krn: int = 1
    ti: int = 1
    ken: int = 255
    base_date: int = 2014
    ea: int = 7
    dkga: int = 4
    tct: int = 2


@transaction.atomic
def register_meter(
    *,
    drn: str,
    key: KeyAttributes,
    by: User,
    at: datetime,
    source: str = "",
    payment_mode: str = Meter.PaymentMode.PREPAYMENT,
) -> Meter:
    """Add a meter to the stock.

    Args:
        drn: the number on its label, 11 or 13 digits.
        key: the STS attributes of its decoder key.
        by: who registers it; needs meters.add_meter.
        at: now.
        source: the channel it comes by.
        payment_mode: how its energy is to be paid; it is believed to work so already.

    Raises:
        InvalidMeterNumber: the number has a wrong length, sign or check digit.
        InvalidMeter: the attributes are impossible or the meter is registered already.
    """
    require(by, "meters.add_meter")
    try:
        pan = identifiers.make_pan(drn)
    except StsError as error:
        raise InvalidMeterNumber(str(error)) from None
    try:
        identifiers.require_key_attributes(key.sgc, key.kt, key.krn, key.ti)
    except StsError as error:
        raise InvalidMeter(f"meter {drn}: {error}") from None
    meter = Meter(
        drn=drn, pan=pan, registered_at=at, intended_payment_mode=payment_mode, **vars(key)
    )
    try:
        batches.clean(meter)
    except ValidationError as error:
        raise InvalidMeter(f"meter {drn}: {' '.join(error.messages)}") from None
    batches.save(meter)
    audit.record(
        actor=by, action="meters.register", target=meter, at=at, after=vars(key), source=source
    )
    return meter


@transaction.atomic
def install_meter(meter: Meter, *, by: User, at: datetime, source: str = "") -> None:
    """Note that a meter from stock now stands at a premises.

    Raises:
        InvalidMeter: it is not in stock, so it can't be installed.
    """
    require(by, "meters.change_meter")
    can_be = (Meter.Status.STOCK, Meter.Status.REMOVED)
    before = meter.status
    if before not in can_be or not batches.change(meter, status=Meter.Status.INSTALLED):
        raise InvalidMeter(f"meter {meter} is {meter.status}; only one in stock can be installed")
    audit.record(
        actor=by,
        action="meters.install",
        target=meter,
        at=at,
        before={"status": before},
        after={"status": Meter.Status.INSTALLED},
        source=source,
    )


@transaction.atomic
def remove_meter(
    meter: Meter, *, scrapped: bool = False, by: User, at: datetime, reason: str = ""
) -> None:
    """Note that a meter was taken down; a scrapped one is never installed again.

    Raises:
        InvalidMeter: it is not installed.
    """
    require(by, "meters.change_meter")
    status = Meter.Status.SCRAPPED if scrapped else Meter.Status.REMOVED
    changed = Meter.objects.filter(pk=meter.pk, status=Meter.Status.INSTALLED).update(
        status=status
    )
    if not changed:
        raise InvalidMeter(f"meter {meter} is {meter.status}; only an installed one is removed")
    audit.record(
        actor=by,
        action="meters.remove",
        target=meter,
        at=at,
        before={"status": Meter.Status.INSTALLED},
        after={"status": status},
        reason=reason,
    )
    meter.status = status


@transaction.atomic
def take_over_token_identifiers(
    meter: Meter, *, last_tid: int, by: User, at: datetime, source: str = ""
) -> bool:
    """Have a meter's next identifiers lie above the last one that another system issued.

    Args:
        meter: which; its `last_tid` is brought up to date.
        last_tid: of the meter's base date, 0 or more.
        by: who takes the meter over; needs meters.add_meter.
        at: now.
        source: the channel it comes by.

    Returns:
        bool: False if the meter has issued that one or a later one here already.

    Raises:
        InvalidMeter: it is no identifier, or more than a day ahead of now: then the meter's base
            date is probably another one.
    """
    require(by, "meters.add_meter")
    try:
        tomorrow = token_identifier.from_utc(int(at.timestamp()), meter.base_date) + _DAY_MINUTES
    except StsError as error:
        raise InvalidMeter(f"meter {meter}: {error}") from None
    if not 0 <= last_tid <= tomorrow:
        raise InvalidMeter(
            f"meter {meter} can't have been issued token identifier {last_tid} by now: with base "
            f"date {meter.base_date} tomorrow's is {tomorrow}; is the base date another one?"
        )
    before = meter.last_tid
    if batches.current() is None:
        changed = Meter.objects.filter(
            Q(last_tid__isnull=True) | Q(last_tid__lt=last_tid), pk=meter.pk
        ).update(last_tid=last_tid)
    else:
        changed = (before is None or before < last_tid) and batches.change(
            meter, last_tid=last_tid
        )
    if not changed:
        return False
    audit.record(
        actor=by,
        action="meters.take_over_token_identifiers",
        target=meter,
        at=at,
        before={"last_tid": before},
        after={"last_tid": last_tid},
        source=source,
    )
    meter.last_tid = last_tid
    return True


def allocate_token_identifiers(meter: Meter, *, count: int, at: datetime) -> list[int]:
    """Give the next token identifiers to a meter.

    They are strictly increasing over the meter's life, also when the clock was set back, one per
    minute, and never the reserved 00:01. The update succeeds only if nobody else allocated in
    between, so two processes can never give the same one, locked row or not.

    Args:
        meter: the meter; its `last_tid` is brought up to date.
        count: how many, at least 1.
        at: the time of issue.

    Raises:
        TokenIdentifiersExhausted: the base date has none left, or has not begun.
    """
    while True:
        identifiers_given = _next(meter, count, at)
        if writing.is_gathering():  # its caller holds the row, so that nobody can be faster
            last_tid = -1 if meter.last_tid is None else meter.last_tid
            writing.change(statements.TOKEN_IDENTIFIER, identifiers_given[-1], meter.pk, last_tid)
            meter.last_tid = identifiers_given[-1]
            return identifiers_given
        unchanged = (
            Q(last_tid__isnull=True) if meter.last_tid is None else Q(last_tid=meter.last_tid)
        )
        is_ours = Meter.objects.filter(unchanged, pk=meter.pk).update(
            last_tid=identifiers_given[-1]
        )
        if is_ours:
            meter.last_tid = identifiers_given[-1]
            return identifiers_given
        meter.refresh_from_db(fields=["last_tid", "base_date"])


def _next(meter: Meter, count: int, at: datetime) -> list[int]:
    try:
        tid = token_identifier.from_utc(int(at.timestamp()), meter.base_date)
        if meter.last_tid is not None and tid <= meter.last_tid:
            tid = token_identifier.following(meter.last_tid)
        given = [tid]
        while len(given) < count:
            given.append(token_identifier.following(given[-1]))
    except StsError as error:
        raise TokenIdentifiersExhausted(
            f"meter {meter} has no token identifier for {at:%Y-%m-%d}: {error}; "
            "move it to a later base date with a key change"
        ) from None
    return given


def raise_token_identifier_floor(meter: Meter, *, at: datetime) -> int:
    """Have the meter's next token identifiers lie after a minute, and return that minute's.

    A meter leaves the factory with its token store filled with the time of provisioning, so
    tokens of that minute or earlier would be refused as used or old.

    Raises:
        TokenIdentifiersExhausted: the minute is outside the meter's base date.
    """
    return allocate_token_identifiers(meter, count=1, at=at)[0]
