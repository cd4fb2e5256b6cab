"""Where vending keys are kept, behind one interface: the software vault or a PKCS#11 module.

A store takes a clear key once and answers only with decoder keys; it never gives the key back. A
network security module would be a third class with the same four methods.
"""

from __future__ import annotations

from typing import Protocol

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from headend.securitymodule import vault
from headend.securitymodule.derivation import derive_dkga02, derive_dkga04

SOFTWARE, PKCS11 = "software", "pkcs11"


class KeyStore(Protocol):
    """Keeps vending keys and derives decoder keys from them."""

    def keep(self, clear: bytes, *, label: str) -> bytes:
        """Take a key; return what the database keeps to find it again.

        Args:
            clear: 20 bytes (DKGA04) or 8 (DKGA02).
            label: everything that says which key it is; what was kept serves no other label.
        """

    def forget(self, kept: bytes, *, label: str) -> None:
        """Give up a key that was kept but whose row could not be written."""

    def dkga02(self, kept: bytes, *, label: str, pan_block: bytes, control_block: bytes) -> bytes:
        """Return a decoder key of DKGA02, 8 bytes."""

    def dkga04(self, kept: bytes, *, label: str, message: bytes, ea: int) -> bytes:
        """Return a decoder key of DKGA04, 8 or 16 bytes."""


class SoftwareVault:
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
        ModuleUnavailable: it is a PKCS#11 module and none is set up here.
    """
    if name == PKCS11:
        from headend.securitymodule.pkcs11_store import Pkcs11Store

        return Pkcs11Store()
    return SoftwareVault()


def store_for_new(dkga: int) -> str:
    """Return the name of the store that takes new keys.

    DKGA02 needs the key itself in its last step, which no PKCS#11 module offers without giving
    the key away; its keys stay in the software vault.
    """
    return PKCS11 if settings.PKCS11_LIBRARY and dkga == 4 else SOFTWARE
