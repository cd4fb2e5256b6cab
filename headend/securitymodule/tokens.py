"""What a token of each class carries, and making its digits.

A content knows neither meter nor key; the security module puts the three together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from headend.meters.models import Meter
from headend.securitymodule.errors import InvalidTokenContent
from headend.securitymodule.keystores import store_named
from headend.securitymodule.refusals import naming
from headend.securitymodule.services import (
    generate_credit_token,
    kept_of,
    require_unexpired,
    usable_vending_key,
    vending_key_of,
)
from shared.sts import amount, generation, token_identifier
from shared.sts.errors import StsError

_WH_PER_UNIT = 100


@dataclass(frozen=True)
class Credit:
    """Electricity for the credit register (class 0, subclass 0)."""

    units: int  # 0.1 kWh; what the token carries, so one that its code can tell exactly
    token_class = 0
    subclass = 0

    @classmethod
    def of_energy(cls, energy_wh: int) -> Credit:
        """Return the least credit a token can carry that is not below an energy in Wh.

        Raises:
            InvalidTokenContent: nothing, or more than one token carries.
        """
        if energy_wh <= 0:
            raise InvalidTokenContent("a credit token carries more than nothing")
        try:
            return cls(amount.decode(amount.encode(-(-energy_wh // _WH_PER_UNIT))))
        except StsError as error:
            raise InvalidTokenContent(str(error)) from None


@dataclass(frozen=True)
class Management:
    """A management token that is no key change (class 2).

    `value` is in watts for the limits (subclasses 0 and 6), the register for 1, 0 for 5, else
    the 16-bit field as it is.
    """

    subclass: int
    value: int = 0
    token_class = 2


@dataclass(frozen=True)
class MeterTest:
    """A test or display (class 1): test n as bit n - 1 of `control`; not encrypted."""

    subclass: int
    control: int
    mfr_code: str  # 2 digits, 4 for subclass 1; zeros address every meter
    token_class = 1


Content = Credit | Management | MeterTest


@sensitive_variables()
def generate_token(meter: Meter, content: Content, *, tid: int | None, at: datetime) -> str:
    """Return the 20 digits of a token.

    Args:
        meter: whose key attributes and identity are used; a meter test needs no key.
        content: what it carries.
        tid: identifier given by `meters.services.allocate_token_identifiers`; None for a
            meter test, which has none.
        at: now.

    Raises:
        KeyRefused: the key can't be used; see `services.refusals_recorded`.
        InvalidTokenContent: no such token can be made.
    """
    try:
        if isinstance(content, MeterTest):
            return str(
                generation.meter_test(
                    subclass=content.subclass, control=content.control, mfr_code=content.mfr_code
                )
            )
        if tid is None:
            raise InvalidTokenContent("a token of class 0 or 2 needs a token identifier")
        if isinstance(content, Credit):
            return generate_credit_token(meter, units=content.units, tid=tid, at=at)
        vending_key = usable_vending_key(meter, at)
        require_unexpired(meter, vending_key, tid)
        with naming(vending_key):
            return store_named(vending_key.store).management(
                kept_of(vending_key),
                meter,
                subclass=content.subclass,
                value=content.value,
                tid=tid,
            )
    except StsError as error:
        raise InvalidTokenContent(str(error)) from None


@sensitive_variables()
def generate_key_change(meter: Meter, changed: Meter, *, count: int, at: datetime) -> list[str]:
    """Return the tokens, 20 digits each and in order of entry, that give a meter another key.

    The meter's present vending key need only be there: a change away from an expired key is what
    the tokens are for. The new one must be in force.

    Args:
        meter: as it is.
        changed: the same meter with its new key attributes.
        count: tokens of the set: 2 or 3 for EA07, of which only the larger tells the supply
            group; 4 for EA11.
        at: now.

    Raises:
        KeyRefused: one of the keys can't be used.
        InvalidTokenContent: no such set can be made, or no meter would take it.
    """
    new_vending_key = usable_vending_key(changed, at)
    try:
        tid = token_identifier.from_utc(int(at.timestamp()), changed.base_date)
        require_unexpired(changed, new_vending_key, tid)
        vending_key = vending_key_of(meter)
        with naming(vending_key):
            return store_named(vending_key.store).key_change(
                kept_of(vending_key), meter, kept_of(new_vending_key), changed, count=count
            )
    except StsError as error:
        raise InvalidTokenContent(str(error)) from None
