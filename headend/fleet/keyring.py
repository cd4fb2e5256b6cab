"""Keeps the message keys of meters at hand, so that not every message opens the vault."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from headend.fleet import signing
from headend.meters.models import Meter
from headend.securitymodule.services import link_keys
from shared.wire.keys import key_id

_MOST = 20_000  # meters; 64 bytes of keys each


class KeyRing:
    """Signs messages to meters and checks those from them."""

    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[int, int], tuple[bytes, bytes]] = OrderedDict()

    def sign_down(self, meter: Meter, claims: dict[str, Any]) -> bytes:
        """Return a signed message to a meter.

        Raises:
            Refusal: the security module has no usable key for the meter.
        """
        _, down = self._of(meter)
        return signing.sign(claims, down, key_id("down", meter.link_generation))

    def verify_up(self, meter: Meter, message: bytes) -> dict[str, Any]:
        """Return the claims of a message from a meter.

        Raises:
            jws.NotAuthentic: the meter did not make it.
            Refusal: the security module has no usable key for the meter.
        """
        up, _ = self._of(meter)
        return signing.verify(message, up, key_id("up", meter.link_generation))

    def _of(self, meter: Meter) -> tuple[bytes, bytes]:
        index = (meter.pk, meter.link_generation)
        found = self._keys.get(index)
        if found is None:
            up, down, _ = link_keys(meter)
            found = self._keys[index] = (up, down)
            if len(self._keys) > _MOST:
                self._keys.popitem(last=False)
        return found
