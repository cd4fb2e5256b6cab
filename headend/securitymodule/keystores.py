"""Where vending keys are kept, behind one interface: software vault, PKCS#11 or network module.

A store takes a clear key once, never gives it back, and makes the tokens that need it. What the
services ask of one is `KeyStore`, and `tests/keystore_contract.py` is what each has to pass. A
store that can derive decoder keys (DerivingStore) has the tokens encrypted by the program; one
that gives nothing out makes them itself.
"""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from headend.meters.models import Meter
from headend.securitymodule import vault
from headend.securitymodule.derivation import derive_dkga02, derive_dkga04
from headend.securitymodule.errors import ModuleUnavailable
from shared.sts import generation, identifiers
from shared.sts.cipher import make_cipher

SOFTWARE, PKCS11, NETWORK = "software", "pkcs11", "network"


@dataclass(frozen=True, repr=False)
class Kept:
    """A vending key as its store finds it again.

    Args:
        store: the name of the store that keeps it.
        kept: what the store gave when it took the key.
        label: everything that says which key it is; what was kept serves no other label.
        dkga: 2 or 4.
    """

    store: str
    kept: bytes
    label: str
    dkga: int


class KeyStore(Protocol):
    """Keeps vending keys and makes tokens with them.

    Every method but `forget` raises a KeyRefused (ModuleUnavailable, VaultUnreadable) if the key
    can't be used, and none lets a clear key out, not in an error either. Whether the key may be
    used, by its dates, expiry and ceiling, was decided before.
    """

    def keep(self, clear: bytes, *, label: str) -> bytes:
        """Take a key; return what the database keeps to find it again.

        Args:
            clear: 20 bytes (DKGA04) or 8 (DKGA02).
            label: as of Kept.
        """

    def forget(self, kept: bytes, *, label: str) -> None:
        """Give up a key that was kept but whose row could not be written."""

    def credit(self, key: Kept, meter: Meter, *, units: int, tid: int) -> str:
        """Return a transfer-credit token of electricity, 20 digits.

        Args:
            key: the meter's.
            meter: whose identity and key attributes are used.
            units: 0.1 kWh, 0..18201624, as the token's code can tell them or rounded up to.
            tid: its token identifier, 24 bits.
        """

    def management(self, key: Kept, meter: Meter, *, subclass: int, value: int, tid: int) -> str:
        """Return a management token (class 2) that is no key change, 20 digits."""

    def key_change(
        self, key: Kept, meter: Meter, new_key: Kept, changed: Meter, *, count: int
    ) -> list[str]:
        """Return the tokens, in order of entry, that give a meter another key.

        Args:
            key: the meter's present one.
            meter: as it is.
            new_key: perhaps of another store.
            changed: the meter with its new key attributes.
            count: tokens of the set: 2 or 3 for EA07, 4 for EA11.
        """

    def decoder_key(self, key: Kept, meter: Meter) -> bytes:
        """Return a meter's decoder key, 8 or 16 bytes: to provision one of our own meters.

        A store that never gives one out refuses; only meters of others are then vended for.
        """


class DerivingStore(ABC):
    """A store that derives decoder keys; the tokens themselves are encrypted by the program."""

    @abstractmethod
    def dkga02(self, kept: bytes, *, label: str, pan_block: bytes, control_block: bytes) -> bytes:
        """Return a decoder key of DKGA02, 8 bytes."""

    @abstractmethod
    def dkga04(self, kept: bytes, *, label: str, message: bytes, ea: int) -> bytes:
        """Return a decoder key of DKGA04, 8 or 16 bytes."""

    @sensitive_variables()
    def credit(self, key: Kept, meter: Meter, *, units: int, tid: int) -> str:
        """Encrypt a transfer of credit."""
        cipher = make_cipher(meter.ea, self.decoder_key(key, meter))
        return str(generation.credit(cipher, units=units, tid=tid, rnd=secrets.randbelow(16)))

    @sensitive_variables()
    def management(self, key: Kept, meter: Meter, *, subclass: int, value: int, tid: int) -> str:
        """Encrypt an instruction to the meter."""
        cipher = make_cipher(meter.ea, self.decoder_key(key, meter))
        rnd = secrets.randbelow(16)
        return str(generation.management(cipher, subclass=subclass, value=value, tid=tid, rnd=rnd))

    @sensitive_variables()
    def key_change(
        self, key: Kept, meter: Meter, new_key: Kept, changed: Meter, *, count: int
    ) -> list[str]:
        """Encrypt the new decoder key, wherever its vending key is, under the present one."""
        return list(
            generation.key_change_set(
                make_cipher(meter.ea, self.decoder_key(key, meter)),
                ea=meter.ea,
                new_key=self._new_decoder_key(new_key, changed),
                kt=changed.kt,
                krn=changed.krn,
                ti=changed.ti,
                ken=changed.ken,
                sgc=changed.sgc,
                rollover=changed.base_date > meter.base_date,
                tokens=count,
                old_kt=meter.kt,
                tct=meter.tct,
            )
        )

    def _new_decoder_key(self, new_key: Kept, changed: Meter) -> bytes:
        """Return what a meter's key is changed to, whichever store keeps its vending key."""
        return store_named(new_key.store).decoder_key(new_key, changed)

    @sensitive_variables()
    def decoder_key(self, key: Kept, meter: Meter) -> bytes:
        """Derive it by the key's algorithm."""
        if key.dkga == 2:
            return self.dkga02(
                key.kept,
                label=key.label,
                pan_block=identifiers.pan_block(meter.pan, meter.kt),
                control_block=identifiers.control_block(meter.kt, meter.sgc, meter.ti, meter.krn),
            )
        message = identifiers.dkga04_message(
            meter.pan, meter.sgc, meter.kt, meter.krn, meter.ti, meter.base_date, meter.ea
        )
        return self.dkga04(key.kept, label=key.label, message=message, ea=meter.ea)


class SoftwareVault(DerivingStore):
    """Keys sealed in the database under the installation's master key."""

    def keep(self, clear: bytes, *, label: str) -> bytes:
        """Seal a key."""
        return vault.seal(clear, label=label)

    def forget(self, kept: bytes, *, label: str) -> None:
        """Nothing is kept besides the row."""

    @sensitive_variables()
    def dkga02(self, kept: bytes, *, label: str, pan_block: bytes, control_block: bytes) -> bytes:
        """Derive with single DES, as the standard's algorithm 02 has it."""
        return derive_dkga02(vault.unseal(kept, label=label), pan_block, control_block)

    @sensitive_variables()
    def dkga04(self, kept: bytes, *, label: str, message: bytes, ea: int) -> bytes:
        """Derive with HMAC-SHA-256."""
        return derive_dkga04(vault.unseal(kept, label=label), message, ea)


def store_named(name: str) -> KeyStore:
    """Return the store that keeps a key.

    Raises:
        ModuleUnavailable: it is a module that is not set up here.
    """
    if name == PKCS11:
        from headend.securitymodule.pkcs11_store import Pkcs11Store

        return Pkcs11Store()
    if name == NETWORK:
        return _network_store()
    return SoftwareVault()


def store_for_new(dkga: int) -> str:
    """Return the name of the store that takes new keys.

    DKGA02 needs the key itself in its last step, which no PKCS#11 module offers without giving
    the key away; its keys stay in the software vault, or go into a network STS module.
    """
    if settings.NETWORK_KEY_STORE:
        return NETWORK
    return PKCS11 if settings.PKCS11_LIBRARY and dkga == 4 else SOFTWARE


def _network_store() -> KeyStore:
    try:
        store: KeyStore = import_string(settings.NETWORK_KEY_STORE)()
    except ImportError as error:
        raise ModuleUnavailable(
            f"the network security module can't be used ({error}); check "
            "OPENPREPAY_NETWORK_KEY_STORE, which names a class"
        ) from None
    return store
