"""The security module's functions. Clear keys leave it only to provision a meter.

It is told a meter's key attributes and identity and what a token carries; no customer, tariff or
debt reaches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import prepared, statements
from headend.meters.models import Meter
from headend.meters.services import raise_token_identifier_floor
from headend.securitymodule import allowance, keystores, roots
from headend.securitymodule.derivation import VENDING_KEY_LENGTH
from headend.securitymodule.errors import (
    InvalidKey,
    KeyMissing,
    KeyNotActive,
    VendingKeyExpired,
)
from headend.securitymodule.models import LinkRoot, VendingKey
from headend.securitymodule.refusals import naming, refusals_recorded, require_demonstration
from shared.sts import token_identifier

# Published with the standard's compliance tests, so it protects nothing: demonstration only.
DEMONSTRATION_SGC = "201457"
_DEMONSTRATION_VENDING_KEY = bytes.fromhex("abababababababab949494949494949401234567")


@dataclass(frozen=True, repr=False)
class ProvisioningSecrets:
    """What is written into a meter once, when it is provisioned. Never shown or stored."""

    decoder_key: bytes
    link_root: bytes
    link_generation: int
    tid_floor: int  # fills the meter's token store; tokens issued from now on lie above


@sensitive_variables()
def load_vending_key(
    *,
    clear_key: bytes,
    sgc: str,
    kt: int,
    krn: int,
    base_date: int,
    by: User,
    at: datetime,
    ken: int = 255,
    dkga: int = 4,
    is_test: bool = False,
    active_from: datetime | None = None,
    active_until: datetime | None = None,
    credit_ceiling_kwh: int | None = None,
) -> VendingKey:
    """Give a vending key to the security module.

    Args:
        clear_key: 20 bytes for DKGA04, 8 for DKGA02.
        sgc: supply group code, 6 digits.
        kt: key type 1..3.
        krn: key revision number 1..9.
        base_date: 1993, 2014 or 2035.
        by: who loads it; needs securitymodule.load_keys.
        at: now.
        ken: key expiry number 0..255.
        dkga: 2 or 4.
        is_test: it is published, so it is refused outside demonstration mode.
        active_from: when it may first be used; from now on if not told.
        active_until: when it may be used no more; never if not told.
        credit_ceiling_kwh: how much energy its tokens may carry altogether; None: any.

    Raises:
        InvalidKey: wrong length or attributes, or the key is there already.
        ModuleUnavailable: the module that should keep it can't be used.
    """
    require(by, "securitymodule.load_keys")
    if len(clear_key) != VENDING_KEY_LENGTH.get(dkga):
        raise InvalidKey(f"a vending key of DKGA{dkga:02d} does not have {len(clear_key)} bytes")
    is_test = is_test or clear_key == _DEMONSTRATION_VENDING_KEY  # marked or not
    if is_test:
        require_demonstration("this test key")
    key = VendingKey(
        sgc=sgc,
        kt=kt,
        krn=krn,
        base_date=base_date,
        ken=ken,
        dkga=dkga,
        is_test=is_test,
        active_from=active_from or at,
        active_until=active_until,
        credit_ceiling_kwh=credit_ceiling_kwh,
        store=keystores.store_for_new(dkga),
    )
    key.sealed_key = keystores.store_named(key.store).keep(clear_key, label=label_of(key))
    try:
        with transaction.atomic():
            key.save(force_insert=True)
            allowance.open_allowance(key)
            _record_loading(key, by, at)
    except IntegrityError:
        give_up(key)
        raise _not_loaded(key) from None
    return key


def give_up(key: VendingKey) -> None:
    """Make the store forget a key whose row was rolled back with its transaction."""
    keystores.store_named(key.store).forget(bytes(key.sealed_key), label=label_of(key))


def _record_loading(key: VendingKey, by: User, at: datetime) -> None:
    audit.record(
        actor=by,
        action="securitymodule.load_vending_key",
        target=key,
        at=at,
        after={
            "sgc": key.sgc,
            "kt": key.kt,
            "krn": key.krn,
            "base_date": key.base_date,
            "dkga": key.dkga,
            "ken": key.ken,
            "is_test": key.is_test,
            "store": key.store,
            "credit_ceiling_kwh": key.credit_ceiling_kwh,
            "active_from": key.active_from,
            "active_until": key.active_until,
        },
    )


def _not_loaded(key: VendingKey) -> InvalidKey:
    """Return why the database refused a key."""
    same = {name: getattr(key, name) for name in ("sgc", "kt", "krn", "base_date", "dkga")}
    is_there = VendingKey.objects.filter(**same).exists()
    why = "is loaded already" if is_there else "has impossible attributes"
    return InvalidKey(f"{key} {why}; nothing was loaded")


def load_demonstration_keys(*, by: User, at: datetime) -> None:
    """Load the published test key of the demonstration supply group, once.

    Raises:
        PublishedKeyRefused: this is not a demonstration.
    """
    require_demonstration("the demonstration's vending key")
    if not VendingKey.objects.filter(sgc=DEMONSTRATION_SGC).exists():
        load_vending_key(
            clear_key=_DEMONSTRATION_VENDING_KEY,
            sgc=DEMONSTRATION_SGC,
            kt=2,
            krn=1,
            base_date=2014,
            by=by,
            at=at,
            is_test=True,
        )
    if not LinkRoot.objects.filter(sgc=DEMONSTRATION_SGC).exists():
        roots.create_link_root(sgc=DEMONSTRATION_SGC, generation=1, by=by, at=at)


@sensitive_variables()
def generate_credit_token(meter: Meter, *, units: int, tid: int, at: datetime) -> str:
    """Return the 20 digits of a transfer-credit token for electricity.

    Args:
        meter: whose key attributes and identity are used.
        units: 0.1 kWh, 0..18201624; the token carries at least as much.
        tid: token identifier given by `meters.services.allocate_token_identifiers`.
        at: now.

    Raises:
        KeyRefused: one of its kinds says why the key can't be used; see `refusals_recorded`.
    """
    vending_key = usable_vending_key(meter, at)
    require_unexpired(meter, vending_key, tid)
    allowance.draw(vending_key, units)
    with naming(vending_key):
        store = keystores.store_named(vending_key.store)
        return store.credit(kept_of(vending_key), meter, units=units, tid=tid)


def give_back_allowance(meter: Meter, *, sgc: str, krn: int, base_date: int, units: int) -> None:
    """Return to a vending key the units of a credit token that can never be used.

    Args:
        meter: for which the token was made.
        sgc: the supply group of the key that the token was made with.
        krn: the key's revision.
        base_date: that of the key.
        units: of 0.1 kWh, as the token carries.
    """
    key = VendingKey.objects.filter(
        sgc=sgc, kt=meter.kt, krn=krn, base_date=base_date, dkga=meter.dkga
    ).first()
    if key is not None:
        allowance.give_back(key, units)


@sensitive_variables()
def provisioning_secrets(
    meter: Meter, by: User, at: datetime | None = None
) -> ProvisioningSecrets:
    """Give the secrets to write into one of our own meters, and set its token store's floor.

    Its message keys come from the newest root of the supply group that it has now; if it had that
    one before, from a further one.

    Args:
        meter: a meter with a DKGA04 key.
        by: who provisions it; needs meters.provision_meter.
        at: the time of provisioning; now if not told.

    Raises:
        InvalidKey: the meter uses DKGA02, whose 64-bit vending key could be searched from one
            extracted decoder key; our own meters do not take such keys.
        KeyRefused: one of its kinds says why the key can't be used.
    """
    require(by, "meters.provision_meter")
    if meter.dkga != 4:
        raise InvalidKey(f"meter {meter} uses DKGA{meter.dkga:02d}; our meters take DKGA04 only")
    at = at or timezone.now()
    with refusals_recorded(by=by, at=at), transaction.atomic():
        vending_key = usable_vending_key(meter, at)
        link_root = roots.give(meter, by=by, at=at)
        meter.save(update_fields=["link_sgc", "link_generation"])
        tid_floor = raise_token_identifier_floor(meter, at=at)
        audit.record(
            actor=by,
            action="securitymodule.provision",
            target=meter,
            at=at,
            after={
                "link_sgc": meter.link_sgc,
                "link_generation": meter.link_generation,
                "tid_floor": tid_floor,
            },
        )
    return ProvisioningSecrets(
        decoder_key=decoder_key_of(meter, vending_key),
        link_root=link_root,
        link_generation=meter.link_generation,
        tid_floor=tid_floor,
    )


def usable_vending_key(meter: Meter, at: datetime) -> VendingKey:
    """Return the vending key of a meter's key attributes.

    Raises:
        KeyRefused: there is none, it is a test key outside a demonstration, or not active now.
    """
    key = vending_key_of(meter)
    if at < key.active_from or key.is_over(at):
        raise KeyNotActive(f"{key} {_when_active(key, at)}", key)
    return key


def _when_active(key: VendingKey, at: datetime) -> str:
    if at < key.active_from:
        return f"may not be used before {timezone.localtime(key.active_from):%Y-%m-%d %H:%M}"
    until = timezone.localtime(key.active_until)
    return f"may not be used any more: it ended at {until:%Y-%m-%d %H:%M}"


def vending_key_of(meter: Meter) -> VendingKey:
    """Return the vending key of a meter's key attributes, active or not.

    Raises:
        KeyMissing: it is not loaded.
        PublishedKeyRefused: it is a test key and this is not a demonstration.
    """
    key: VendingKey | None = prepared.first(
        statements.VENDING_KEY, meter.sgc, meter.kt, meter.krn, meter.base_date, meter.dkga
    )
    if key is None:
        raise KeyMissing(
            f"there is no vending key for meter {meter}: SGC {meter.sgc} KT {meter.kt} "
            f"KRN {meter.krn} base {meter.base_date} DKGA{meter.dkga:02d}; load it",
            meter,
        )
    if key.is_test:
        require_demonstration(str(key), key)
    return key


def require_unexpired(meter: Meter, vending_key: VendingKey, tid: int) -> None:
    """Refuse a token identifier that lies after the meter's or the vending key's expiry number.

    Raises:
        VendingKeyExpired: it does.
    """
    expiry = min(meter.ken, vending_key.ken)
    if token_identifier.is_expired(tid, expiry):
        raise VendingKeyExpired(
            f"{vending_key} expired (KEN {expiry}); load its next revision and change the key "
            f"of meter {meter}",
            vending_key,
        )


def kept_of(key: VendingKey) -> keystores.Kept:
    """Return a vending key as its store finds it."""
    return keystores.Kept(key.store, bytes(key.sealed_key), label_of(key), key.dkga)


@sensitive_variables()
def decoder_key_of(meter: Meter, vending_key: VendingKey) -> bytes:
    """Return a meter's decoder key, to be written into it and nowhere else."""
    with naming(vending_key):
        store = keystores.store_named(vending_key.store)
        return store.decoder_key(kept_of(vending_key), meter)


def label_of(key: VendingKey) -> str:
    """Return a text of all that identifies a key, including whether it is a test key."""
    return (
        f"vending key {key.sgc}/{key.kt}/{key.krn}/{key.base_date}/{key.ken}/{key.dkga}"
        f"/{key.is_test}"
    )
