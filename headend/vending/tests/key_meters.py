"""Meters for tests of key changes: what is in the field, and the keys it may change to."""

from __future__ import annotations

import secrets
from typing import Any

from headend.accounts.services import console_user
from headend.meters.models import Meter
from headend.securitymodule.models import VendingKey
from headend.securitymodule.services import (
    DEMONSTRATION_SGC,
    decoder_key_of,
    load_vending_key,
    vending_key_of,
)
from headend.testing import NOON
from shared.sts import decoder, result


def load_key(**attributes: Any) -> VendingKey:
    """Give the security module a random vending key: KRN 2 of the demonstration group."""
    wanted: dict[str, Any] = {
        "sgc": DEMONSTRATION_SGC, "kt": 2, "krn": 2, "base_date": 2014,
    } | attributes  # fmt: skip
    length = 8 if wanted.get("dkga") == 2 else 20
    return load_vending_key(
        clear_key=secrets.token_bytes(length), by=console_user(), at=NOON, **wanted
    )


class FieldMeter:
    """A meter as it hangs on a wall, by the rules of the meter's own decoder."""

    def __init__(self, meter: Meter) -> None:
        self.state = decoder.DecoderState(
            ea=meter.ea,
            decoder_key=decoder_key_of(meter, vending_key_of(meter)),
            sgc=int(meter.sgc),
            kt=meter.kt,
            krn=meter.krn,
            ti=meter.ti,
            ken=meter.ken,
            base_date=meter.base_date,
            mfr_code=meter.drn[:-9],
        )

    def enter(self, digits: str) -> str:
        """Type a token; return the name of the result."""
        code, token = decoder.validate(self.state, digits)
        if code == result.ACCEPT:
            code = decoder.commit(self.state, token, 0)
        return str(result.name(code))

    def told(self) -> dict[str, Any]:
        """What the meter reports of its key."""
        return {"krn": self.state.krn, "ti": self.state.ti, "sgc": f"{self.state.sgc:06d}"}
