"""Caches meters' message keys, so that not every message has to open the vault."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from headend.fleet import signing
from headend.meters.models import Meter
from headend.securitymodule.errors import KeyRefused
from headend.securitymodule.refusals import record_refusal
from headend.securitymodule.roots import link_keys
from shared.wire.keys import key_id

RECORDED_EVERY = timedelta(hours=1)  # that a meter's keys are refused
_MOST = 20_000  # meters; 64 bytes of keys each


class KeyRing:
    """Signs messages to meters and checks those from them.

    Args:
        clock: tells the time.
    """

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._keys: OrderedDict[tuple[int, str, int], tuple[bytes, bytes]] = OrderedDict()
        self._refused: OrderedDict[tuple[int, int, str], datetime] = OrderedDict()

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
        index = (meter.pk, meter.link_sgc, meter.link_generation)
        found = self._keys.get(index)
        if found is None:
            up, down = self._derived(meter)
            found = self._keys[index] = (up, down)
            if len(self._keys) > _MOST:
                self._keys.popitem(last=False)
        return found

    def _derived(self, meter: Meter) -> tuple[bytes, bytes]:
        """Return new keys; that they were refused is recorded, but not for each message."""
        try:
            up, down, _ = link_keys(meter)
        except KeyRefused as refusal:
            index, now = (meter.pk, meter.link_generation, refusal.code), self._clock()
            last = self._refused.get(index)
            if last is None or not timedelta(0) <= now - last < RECORDED_EVERY:
                record_refusal(refusal, by=None, at=now)
                self._refused[index] = now
                if len(self._refused) > _MOST:
                    self._refused.popitem(last=False)
            raise
        return up, down
