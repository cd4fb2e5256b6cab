"""Creates, revokes and recognises the keys of other programs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from headend.accounts.backends import know
from headend.accounts.models import User
from headend.accounts.programs import grant, holder, program_named
from headend.accounts.services import require
from headend.api.errors import InvalidKey, NotAuthenticated, TooManyRequests
from headend.api.models import ApiKey
from headend.api.rates import rates
from headend.api.scopes import SCOPES
from headend.audit import services as audit
from headend.config import prepared, statements
from headend.vendors.models import Operator, Till
from headend.vendors.services import add_operator

LONGEST_LIFE = timedelta(days=366 * 2)
_MARK = "opk"  # so that a leaked key is recognised by those who search for such
_NOTE_USE_EVERY = timedelta(minutes=5)
_noted: dict[str, datetime] = {}  # by prefix, of this process; the row of a key may be an old one


class NewKey(NamedTuple):
    """A key and its secret text, which nobody can show again."""

    key: ApiKey
    text: str


@transaction.atomic
def create_key(
    *,
    program: str,
    name: str,
    scopes: Iterable[str],
    by: User,
    at: datetime,
    expires_at: datetime,
    largest_tender_minor: int | None = None,
    daily_tender_minor: int | None = None,
    requests_per_minute: int | None = None,
    till: Till | None = None,
) -> NewKey:
    """Create a key; its program is created with its first one.

    Args:
        program: short name: lower case letters, digits and hyphens.
        name: what the key is for.
        scopes: names of SCOPES, at least one.
        by: who creates it; needs api.manage_keys.
        at: now.
        expires_at: when it ends, at most two years ahead.
        largest_tender_minor: of one vend, minor currency units; None: no limit.
        daily_tender_minor: of all vends of a local day; None: no limit.
        requests_per_minute: None: no limit.
        till: of a vendor, at which no shift is needed: from now on the program sells there, and
            sees that vendor's affairs only. None leaves it where it is.

    Raises:
        InvalidKey, InvalidProgram: a name, scope, time or limit is not possible.
        InvalidVendor: the program sells for another vendor, or the till is not one for a program.
    """
    require(by, "api.manage_keys")
    wanted = sorted(set(scopes))
    limits = (largest_tender_minor, daily_tender_minor, requests_per_minute)
    _check(name, wanted, expires_at - at, limits)
    user = program_named(program)
    grant(user, [each for scope in wanted for each in SCOPES[scope].permissions])
    if till is not None:
        _seat(user, till, by, at)
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        program=user,
        name=name,
        prefix=prefix,
        secret_hash=_hash(secret),
        scopes=wanted,
        largest_tender_minor=largest_tender_minor,
        daily_tender_minor=daily_tender_minor,
        requests_per_minute=requests_per_minute,
        created_by=by,
        created_at=at,
        expires_at=expires_at,
    )
    audit.record(
        actor=by,
        action="api.create_key",
        target=key,
        at=at,
        after={
            "program": user.username,
            "scopes": wanted,
            "expires_at": expires_at,
            "largest_tender_minor": largest_tender_minor,
            "daily_tender_minor": daily_tender_minor,
            "requests_per_minute": requests_per_minute,
            "vendor": till.vendor.name if till and till.vendor else None,
        },
    )
    return NewKey(key, f"{_MARK}_{prefix}_{secret}")


@transaction.atomic
def revoke_key(key: ApiKey, *, by: User, at: datetime, reason: str = "") -> None:
    """End a key at once; ending it again changes nothing.

    Args:
        key: which one.
        by: who ends it; needs api.manage_keys.
        at: now.
        reason: why.
    """
    require(by, "api.manage_keys")
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at):
        return
    key.revoked_at = at
    audit.record(actor=by, action="api.revoke_key", target=key, at=at, reason=reason)


def recognise(text: str, *, at: datetime) -> ApiKey:
    """Return the key of a secret text.

    Raises:
        NotAuthenticated: there is none, or it has ended; which of these is not said.
        TooManyRequests: it asks more often than it may.
    """
    prefix = prefix_of(text)
    secret = text.removeprefix(f"{_MARK}_{prefix}_")
    found: Any = prepared.first(statements.KEY, prefix) if prefix else None
    stored = bytes(found.secret_hash) if found else bytes(32)
    is_right = hmac.compare_digest(stored, _hash(secret))
    if found is None or not is_right or not _is_alive(found, at):
        raise NotAuthenticated(
            "the API key is unknown, has expired or was revoked; send a valid one as "
            "'Authorization: Bearer KEY'"
        )
    key: ApiKey = found
    know(key.program, found.may)
    _count(key, at)
    _note_use(key, at)
    return key


def prefix_of(text: str) -> str:
    """Return the prefix by which a secret text's key is found; empty if it can't be one."""
    mark, _, rest = text.partition("_")
    prefix = rest.partition("_")[0]
    return prefix if mark == _MARK and prefix.isascii() and prefix.isalnum() else ""


@holder
def _made_a_key(program: User, person: User) -> bool:
    """Tell whether a person was shown a key of a program, even one that was revoked since."""
    return ApiKey.objects.filter(program=program, created_by=person).exists()


def _seat(program: User, till: Till, by: User, at: datetime) -> None:
    """Have a program sell at a vendor's till, unless it does so already."""
    if Operator.objects.filter(user=program, till=till).exists():
        return
    if till.vendor is None:
        raise InvalidKey(f"{till} is the utility's own; a program of the utility needs no till")
    add_operator(till.vendor, program, by=by, at=at, till=till)


def _is_alive(key: ApiKey, at: datetime) -> bool:
    return key.revoked_at is None and at < key.expires_at and key.program.is_active


def _count(key: ApiKey, at: datetime) -> None:
    limit = key.requests_per_minute
    if limit is not None and not rates().count(key, limit, at=at):
        raise TooManyRequests(f"this key may ask {limit} times a minute; wait and ask again")


def _note_use(key: ApiKey, at: datetime) -> None:
    noted = _noted.get(key.prefix, key.last_used_at)
    if noted is None or at - noted >= _NOTE_USE_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
        _noted[key.prefix] = at


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _check(name: str, scopes: list[str], life: timedelta, limits: tuple[int | None, ...]) -> None:
    if not 0 < len(name) <= 100:
        raise InvalidKey("describe in up to 100 characters what the key is for")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise InvalidKey(f"choose one or more of the scopes {', '.join(SCOPES)}")
    if not timedelta(0) < life <= LONGEST_LIFE:
        raise InvalidKey(f"a key ends in the future, within {LONGEST_LIFE.days} days")
    if any(limit is not None and limit <= 0 for limit in limits):
        raise InvalidKey("a limit must be more than zero; leave it out for no limit")
