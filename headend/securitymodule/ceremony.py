"""The key ceremony: two people, each with half of the load password, bring keys in together."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from headend.accounts.models import User
from headend.accounts.programs import can_act_as
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config.errors import Refusal
from headend.securitymodule import load_file
from headend.securitymodule.errors import LoadFileRefused
from headend.securitymodule.models import VendingKey
from headend.securitymodule.refusals import require_demonstration
from headend.securitymodule.services import give_up, load_vending_key


def record_refusal(refusal: Refusal, *, by: User, second: str, at: datetime) -> None:
    """Record a ceremony that loaded nothing in the audit.

    Args:
        refusal: why.
        by: whose page it was held at.
        second: what was typed as the second person's user name. It is noted only if somebody has
            that name, for it may be a password in the wrong field.
        at: now.
    """
    known = User.objects.filter(username=second).exists()
    audit.record(
        actor=by,
        action="securitymodule.refuse_load",
        target=by,
        at=at,
        after={"with": second if known else "nobody of that name", "code": refusal.code},
        reason=str(refusal)[:500],
    )


@sensitive_variables()
def load_keys(
    text: str, *, halves: tuple[str, str], officers: tuple[User, User], at: datetime
) -> list[VendingKey]:
    """Load every key of a key-load file, or none.

    Args:
        text: of the file.
        halves: of its password, as the two officers typed them.
        officers: who held the ceremony, in the order of the halves. The first needs
            securitymodule.load_keys, the second securitymodule.approve_load_keys, and whoever
            calls this has made sure that they are who they say.
        at: now.

    Raises:
        LoadFileRefused: it is one person, or the file does not open.
        NotPermitted, InvalidKey, PublishedKeyRefused: as `load_vending_key`.
    """
    first, second = officers
    if first == second:
        raise LoadFileRefused(f"a ceremony needs two people; {first} can't be both")
    if can_act_as(first, second) or can_act_as(second, first):
        raise LoadFileRefused(
            f"of {first} and {second} one has set the other's password alone; "
            "a ceremony needs two people"
        )
    require(first, "securitymodule.load_keys")
    require(second, "securitymodule.approve_load_keys")
    found = load_file.read(text, halves=halves)
    if any(one.is_test for one in found):
        require_demonstration("a key that the file marks as a test key")
    keys: list[VendingKey] = []
    try:
        with transaction.atomic():
            _load_each(found, keys, officers=officers, at=at)
    except Refusal:
        for key in keys:  # a module outside the database keeps it otherwise
            give_up(key)
        raise
    return keys


@sensitive_variables()
def _load_each(
    found: list[load_file.LoadedKey],
    keys: list[VendingKey],
    *,
    officers: tuple[User, User],
    at: datetime,
) -> None:
    """Load one key after the other, and add each to `keys` once it is loaded."""
    first, second = officers
    for one in found:
        key = load_vending_key(
            clear_key=one.clear_key,
            sgc=one.sgc,
            kt=one.kt,
            krn=one.krn,
            base_date=one.base_date,
            ken=one.ken,
            dkga=one.dkga,
            is_test=one.is_test,
            active_from=one.active_from,
            active_until=one.active_until,
            credit_ceiling_kwh=one.credit_ceiling_kwh,
            by=first,
            at=at,
        )
        keys.append(key)
        audit.record(
            actor=second, action="securitymodule.witness_load", target=key, at=at,
            after={"with": first.username},
        )  # fmt: skip
