"""Roots of the keys that protect messages to and from our own meters.

Each supply group has one root per generation, made at random in the software vault. A meter gets
the newest when it is provisioned and keeps it: a key change, even to another group, leaves it. A
meter that is provisioned again gets another than before.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.meters.models import Meter
from headend.securitymodule import vault
from headend.securitymodule.derivation import LINK_ROOT_LENGTH, derive_link_root
from headend.securitymodule.errors import InvalidKey, KeyMissing
from headend.securitymodule.models import LinkRoot
from headend.securitymodule.refusals import naming, require_demonstration
from shared.wire import keys as wire_keys


@sensitive_variables()
def create_link_root(
    *, sgc: str, generation: int, by: User, at: datetime, is_test: bool = False
) -> LinkRoot:
    """Make a new random root for the message keys of a supply group's meters.

    Args:
        sgc: supply group code, 6 digits.
        generation: 1 for a group's first root; see `next_generation`.
        by: who has it made; needs securitymodule.load_keys.
        at: now.
        is_test: it is refused outside demonstration mode.

    Raises:
        InvalidKey: that is no supply group, or it has a root of that generation already.
    """
    require(by, "securitymodule.load_keys")
    if not re.fullmatch(r"[0-9]{6}", sgc):
        raise InvalidKey("a supply group code has six digits")
    return _create(sgc, generation, by=by, at=at, is_test=is_test)


@sensitive_variables()
def _create(sgc: str, generation: int, *, by: User, at: datetime, is_test: bool) -> LinkRoot:
    root = LinkRoot(sgc=sgc, generation=generation, is_test=is_test)
    root.sealed_key = vault.seal(secrets.token_bytes(LINK_ROOT_LENGTH), label=_label(root))
    try:
        with transaction.atomic():
            root.save(force_insert=True)
            audit.record(actor=by, action="securitymodule.create_link_root", target=root, at=at)
    except IntegrityError:
        raise InvalidKey(f"there is a {root} already") from None
    return root


def next_generation(sgc: str) -> int:
    """Return the generation that a supply group's next root has."""
    newest = _newest(sgc)
    return newest.generation + 1 if newest else 1


@sensitive_variables()
def link_keys(meter: Meter) -> tuple[bytes, bytes, bytes]:
    """Return the keys of a meter's messages: (up, down, update), 32 bytes each.

    Raises:
        KeyMissing: the meter's supply group has no root of its generation.
        PublishedKeyRefused: the root is a test root and this is not a demonstration.
    """
    root = _root_of(meter)
    up, down, update = wire_keys.derive_link_keys(root, meter.link_generation)
    return up, down, update


@sensitive_variables()
def give(meter: Meter, *, by: User, at: datetime) -> bytes:
    """Return the root of a meter that is about to be provisioned: its group's newest.

    A meter that had this one before gets a further one, made for it. It starts with an empty
    journal and no longer knows which messages it has had: what anybody kept of them must mean
    nothing to it any more.

    The caller holds the transaction, and saves the meter, which is changed in memory only.

    Args:
        meter: which.
        by: who provisions it; the caller has seen to it that they may.
        at: now.

    Raises:
        KeyMissing, PublishedKeyRefused: as of `link_keys`.
    """
    before = meter.link_sgc, meter.link_generation
    newest = _newest(meter.sgc)
    if newest is not None and (newest.sgc, newest.generation) == before:
        # Of two installers in the same group, the second waits here and may have the first's.
        LinkRoot.objects.select_for_update().get(pk=newest.pk)
        newest = _newest(meter.sgc) or newest
    if newest is not None and (newest.sgc, newest.generation) == before:
        newest = _create(meter.sgc, newest.generation + 1, by=by, at=at, is_test=newest.is_test)
    meter.link_sgc = meter.sgc
    meter.link_generation = newest.generation if newest else 1
    return _root_of(meter)


def _newest(sgc: str) -> LinkRoot | None:
    return LinkRoot.objects.filter(sgc=sgc).order_by("-generation").first()


@sensitive_variables()
def _root_of(meter: Meter) -> bytes:
    sgc = meter.link_sgc or meter.sgc
    root = LinkRoot.objects.filter(sgc=sgc, generation=meter.link_generation).first()
    if root is None:
        raise KeyMissing(
            f"SGC {sgc} has no message root of generation {meter.link_generation}; "
            "make one on the page Keys",
            meter,
        )
    if root.is_test:
        require_demonstration(str(root), root)
    with naming(root):
        clear = vault.unseal(root.sealed_key, label=_label(root))
    return derive_link_root(clear, meter.drn, meter.link_generation)


def _label(root: LinkRoot) -> str:
    return f"link root {root.sgc}/{root.generation}/{root.is_test}"
