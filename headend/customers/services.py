"""Everything that changes customers, premises and supply agreements."""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import batches
from headend.customers.errors import InvalidAgreement, InvalidCustomer, InvalidThreshold
from headend.customers.models import Customer, FormerMeter, Premises, SupplyAgreement
from headend.meters.models import Meter
from headend.tariffs import queries as tariffs
from headend.tariffs.models import Tariff

HIGHEST_LOW_CREDIT_WH = 10_000_000
HIGHEST_CONNECTION_VA = 100_000_000


@transaction.atomic
def register_customer(
    *,
    name: str,
    by: User,
    at: datetime,
    phone: str = "",
    email: str = "",
    language: str = "en",
    external_reference: str = "",
    source: str = "",
) -> Customer:
    """Add a customer.

    Args:
        name: 1..150 characters.
        by: who registers; needs customers.add_customer.
        at: now.
        phone: up to 30 characters, written in any way.
        email: an address or nothing.
        language: a language code such as "en".
        external_reference: their number in the system they come from; of one customer only.
        source: the channel it came by.

    Raises:
        InvalidCustomer: a detail makes no sense, or the reference is somebody else's.
    """
    require(by, "customers.add_customer")
    customer = Customer(
        name=name,
        phone=phone,
        email=email,
        language=language,
        external_reference=external_reference or None,
        created_at=at,
    )
    _check_customer(customer)
    batches.save(customer)
    audit.record(
        actor=by,
        action="customers.register",
        target=customer,
        at=at,
        after={"name": name},
        source=source,
    )
    return customer


@transaction.atomic
def change_customer(
    customer: Customer, *, by: User, at: datetime, source: str = "", **changes: str
) -> bool:
    """Change how a customer is called or reached.

    Args:
        customer: who.
        by: who changes it; needs customers.change_customer.
        at: now.
        source: the channel it came by.
        changes: any of name, phone, email, language, external_reference; what is not named stays.

    Returns:
        bool: whether anything was different.

    Raises:
        InvalidCustomer: a detail makes no sense.
    """
    require(by, "customers.change_customer")
    kept = customer  # in a batch, whose end finds out whether it still was so
    if batches.current() is None:
        kept = Customer.objects.select_for_update().get(pk=customer.pk)
    before = {
        name: getattr(kept, name) for name in changes if getattr(kept, name) != changes[name]
    }
    if not before:
        return False
    wanted = copy(kept)
    for name in before:
        setattr(wanted, name, changes[name])
    _check_customer(wanted)
    batches.change(kept, **{name: changes[name] for name in before})
    audit.record(
        actor=by,
        action="customers.change",
        target=kept,
        at=at,
        before=before,
        after={name: changes[name] for name in before},
        source=source,
    )
    return True


def _check_customer(customer: Customer) -> None:
    try:
        batches.clean(customer)
    except ValidationError as error:
        said = "; ".join(f"{field}: {' '.join(why)}" for field, why in error.message_dict.items())
        raise InvalidCustomer(f"customer {customer.name}: {said}") from None


@transaction.atomic
def open_agreement(
    *,
    customer: Customer,
    address: str,
    meter: Meter,
    tariff: Tariff,
    by: User,
    at: datetime,
    low_credit_threshold_wh: int = 5000,
    connection_va: int | None = None,
    since: datetime | None = None,
    source: str = "",
    premises: Premises | None = None,
) -> SupplyAgreement:
    """Let a meter serve a customer at an address from now on.

    Args:
        customer: who is served.
        address: of the premises, which are created if new.
        meter: a meter that serves nobody.
        tariff: what the energy costs.
        by: who decides; needs customers.add_supplyagreement.
        at: now; the agreement starts here.
        low_credit_threshold_wh: the customer is told when the credit falls below it.
        connection_va: size of the connection, which some tariffs ask for.
        since: when it began, if that was before now, in another system.
        source: the channel it came by.
        premises: those at the address, if they are known.

    Raises:
        InvalidAgreement: the meter serves somebody already, or it would begin later than now.
    """
    require(by, "customers.add_supplyagreement")
    if since is not None and since > at:
        raise InvalidAgreement(
            f"the agreement would begin on {timezone.localtime(since):%Y-%m-%d}, later than now"
        )
    if premises is None:
        premises = Premises.objects.filter(address=address).first() or new_premises(address)
    agreement = SupplyAgreement(
        customer=customer,
        premises=premises,
        meter=meter,
        tariff=tariff,
        started_at=since or at,
        low_credit_threshold_wh=low_credit_threshold_wh,
        connection_va=connection_va,
    )
    try:
        with transaction.atomic():
            batches.save(agreement)
    except IntegrityError:
        raise InvalidAgreement(
            f"meter {meter} serves somebody already; end that agreement first"
        ) from None
    audit.record(
        actor=by,
        action="customers.open_agreement",
        target=agreement,
        at=at,
        after={"customer": customer.pk, "meter": meter.drn, "tariff": tariff.code},
        source=source,
    )
    return agreement


def new_premises(address: str) -> Premises:
    """Return premises at an address where there were none; call it in the act's transaction."""
    premises = Premises(address=address)
    batches.save(premises)
    return premises


@transaction.atomic
def end_agreement(agreement: SupplyAgreement, *, by: User, at: datetime, reason: str) -> None:
    """End an agreement now; its meter serves nobody until the next one.

    It ends after it began and after the one before it ended, though the clock was set back behind
    that; so the last agreement at a meter is the one that ends last.

    Raises:
        InvalidAgreement: it has ended.
    """
    require(by, "customers.change_supplyagreement")
    kept = SupplyAgreement.objects.select_for_update(of=("self",)).get(pk=agreement.pk)
    if kept.ended_at is not None:
        raise InvalidAgreement("this agreement has ended already")
    before = SupplyAgreement.objects.filter(meter=kept.meter_id)
    last_end = before.aggregate(last=Max("ended_at"))["last"]
    kept.ended_at = _after(max(kept.started_at, last_end or kept.started_at), at)
    kept.save(update_fields=["ended_at"])
    agreement.ended_at = kept.ended_at
    audit.record(
        actor=by,
        action="customers.end_agreement",
        target=agreement,
        at=at,
        after={"ended_at": kept.ended_at},
        reason=reason,
    )


def _after(since: datetime, at: datetime) -> datetime:
    """Return now; or the first instant after another one, if the clock was set back behind it."""
    return max(at, since + timedelta(microseconds=1))


@transaction.atomic
def replace_meter(
    agreement: SupplyAgreement, meter: Meter, *, by: User, at: datetime, reason: str
) -> FormerMeter:
    """Let another meter serve an agreement from now on; everything else of it goes on.

    Permission, both meters' places in their lives and the credit are the caller's business.

    Args:
        agreement: a running one; its `meter` is brought up to date.
        meter: the new one, which serves nobody.
        by: who decides.
        at: now; if the clock was set back behind when the old one was hung, just after that.
        reason: why.

    Returns:
        FormerMeter: that the old one served until now.

    Raises:
        InvalidAgreement: the agreement has ended, or the new meter serves somebody.
    """
    kept = SupplyAgreement.objects.select_for_update(of=("self",)).get(pk=agreement.pk)
    if kept.ended_at is not None:
        raise InvalidAgreement("this agreement has ended; its meter can't be replaced")
    earlier = kept.former_meters.last()
    since = earlier.served_until if earlier else kept.started_at
    former = FormerMeter.objects.create(
        agreement=kept, meter=kept.meter, served_from=since, served_until=_after(since, at)
    )
    kept.meter = meter
    try:
        with transaction.atomic():
            kept.save(update_fields=["meter"])
    except IntegrityError:
        raise InvalidAgreement(f"meter {meter} serves somebody already; take another") from None
    agreement.meter = meter
    audit.record(
        actor=by,
        action="customers.replace_meter",
        target=kept,
        at=at,
        before={"meter": former.meter.drn},
        after={"meter": meter.drn},
        reason=reason,
    )
    return former


@transaction.atomic
def set_low_credit_threshold(
    agreement: SupplyAgreement, *, threshold_wh: int, by: User, at: datetime
) -> None:
    """Choose below which credit a customer is told that it runs low.

    The gateway sets the meter's own warning to it when the meter next tells its state.

    Args:
        agreement: a running one.
        threshold_wh: 0..HIGHEST_LOW_CREDIT_WH; 0 means that no warning is wanted.
        by: who decides; needs customers.change_supplyagreement.
        at: now.

    Raises:
        InvalidThreshold: it is out of range.
        InvalidAgreement: the agreement has ended.
    """
    require(by, "customers.change_supplyagreement")
    if not 0 <= threshold_wh <= HIGHEST_LOW_CREDIT_WH:
        raise InvalidThreshold(
            f"the low-credit threshold must be 0 to {HIGHEST_LOW_CREDIT_WH // 1000} kWh"
        )
    kept = SupplyAgreement.objects.select_for_update().get(pk=agreement.pk)
    if kept.ended_at is not None:
        raise InvalidAgreement("this agreement has ended; there is nobody to warn")
    before_wh = kept.low_credit_threshold_wh
    agreement.low_credit_threshold_wh = threshold_wh
    if threshold_wh == before_wh:
        return
    kept.low_credit_threshold_wh = threshold_wh
    kept.save(update_fields=["low_credit_threshold_wh"])
    audit.record(
        actor=by,
        action="customers.set_low_credit_threshold",
        target=kept,
        at=at,
        before={"low_credit_threshold_wh": before_wh},
        after={"low_credit_threshold_wh": threshold_wh},
    )


@transaction.atomic
def set_terms(
    agreement: SupplyAgreement,
    *,
    tariff: Tariff,
    connection_va: int | None,
    by: User,
    at: datetime,
    reason: str,
) -> SupplyAgreement:
    """Change what a running agreement pays by: its tariff and the size of its connection.

    It holds from the next purchase on. What was bought before keeps the prices it was bought at,
    and its energy counts in the steps of the month that runs.

    Args:
        agreement: a running one.
        tariff: by which energy is priced from now on.
        connection_va: size of the connection, 1..HIGHEST_CONNECTION_VA; None: not known.
        by: who decides; needs customers.change_supplyagreement.
        at: now.
        reason: why.

    Raises:
        InvalidAgreement: it has ended, the size is impossible, or the tariff asks for it.
        NoTariffInForce: the tariff has no version yet.
    """
    require(by, "customers.change_supplyagreement")
    if connection_va is not None and not 1 <= connection_va <= HIGHEST_CONNECTION_VA:
        raise InvalidAgreement(
            f"a connection has 1 to {HIGHEST_CONNECTION_VA} VA, not {connection_va}"
        )
    kept = SupplyAgreement.objects.select_for_update(of=("self",)).get(pk=agreement.pk)
    if kept.ended_at is not None:
        raise InvalidAgreement("this agreement has ended; its terms stay as they were")
    version = tariffs.version_in_force(tariff.pk, at=at)
    if connection_va is None and tariffs.asks_for_connection(version):
        raise InvalidAgreement(f"the tariff {tariff} asks for the size of the connection")
    before, after = _terms(kept), {"tariff": tariff.code, "connection_va": connection_va}
    if before != after:
        kept.tariff, kept.connection_va = tariff, connection_va
        kept.save(update_fields=["tariff", "connection_va"])
        audit.record(
            actor=by,
            action="customers.set_terms",
            target=kept,
            at=at,
            before=before,
            after=after,
            reason=reason,
        )
    return kept


def _terms(agreement: SupplyAgreement) -> dict[str, str | int | None]:
    return {"tariff": agreement.tariff.code, "connection_va": agreement.connection_va}
