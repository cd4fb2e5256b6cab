"""What a person shows besides the password: a code of an authenticator app, a passkey, or one of
the recovery codes that were written down when the first of them was set up."""

from __future__ import annotations

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import pyotp
import webauthn
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac
from webauthn.helpers import exceptions, structs

from headend.accounts.errors import FactorRefused
from headend.accounts.models import RecoveryCode, SecondFactor, User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.config import sealing

RECOVERY_CODES = 10
_STEP_SECONDS = 30
_STEPS_OFF = 1  # a phone's clock may be this many steps early or late
_RECOVERY_BYTES = 10


def is_required() -> bool:
    """Tell whether this installation requires a second factor of privileged groups."""
    policy = settings.SECOND_FACTOR or ("offered" if settings.DEMONSTRATION else "required")
    return bool(policy != "offered")


def must_have(user: User) -> bool:
    """Tell whether a user may work only with a second factor."""
    if not is_required():
        return False
    return user.is_superuser or user.groups.filter(rule__needs_second_factor=True).exists()


def has_any(user: User) -> bool:
    """Tell whether a user has set one up; whoever has one is always asked for it."""
    return SecondFactor.objects.filter(user=user).exists()


# --- setting up --------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class NewAuthenticator:
    """The secret that an authenticator app is about to be told."""

    secret: str  # base32
    address: str  # otpauth://, as a QR code shows it


def new_authenticator(user: User, secret: str | None = None) -> NewAuthenticator:
    """Return a fresh secret for an authenticator app, or one that was begun with again."""
    secret = secret or pyotp.random_base32()
    totp = pyotp.TOTP(secret)
    issuer = settings.UTILITY_NAME.replace(":", " ")
    return NewAuthenticator(secret, totp.provisioning_uri(name=user.username, issuer_name=issuer))


@transaction.atomic
def add_authenticator(user: User, *, secret: str, code: str, name: str, at: datetime) -> list[str]:
    """Keep an authenticator app once it has shown a right code.

    Args:
        user: whose it is.
        secret: from `new_authenticator`.
        code: six digits that the app shows now.
        name: what the person calls it.
        at: now.

    Returns:
        Recovery codes to write down, if this is the person's first second factor.

    Raises:
        FactorRefused: the code is wrong.
    """
    step = _matching_step(secret, code, at, after=0)
    if step is None:
        raise FactorRefused(
            "This is not the code that the app should show now; check the clock of the phone"
        )
    factor = SecondFactor(
        user=user, kind=SecondFactor.AUTHENTICATOR, name=name, last_step=step, created_at=at
    )
    factor.sealed_secret = sealing.seal(_cipher(), secret.encode(), label=_label(user))
    return _keep(factor, at)


def passkey_creation(user: User, *, host: str) -> tuple[str, bytes]:
    """Return what the browser needs to make a passkey, as JSON, and the challenge in it.

    Args:
        user: whose it will be.
        host: the name of this site, without a port.
    """
    known = SecondFactor.objects.filter(user=user, kind=SecondFactor.PASSKEY)
    options = webauthn.generate_registration_options(
        rp_id=host,
        rp_name=settings.UTILITY_NAME,
        user_name=user.username,
        user_id=f"openprepay user {user.pk}".encode(),
        exclude_credentials=[_descriptor(one) for one in known],
    )
    return webauthn.options_to_json(options), options.challenge


@transaction.atomic
def add_passkey(
    user: User,
    *,
    credential: str,
    challenge: bytes,
    host: str,
    origin: str,
    name: str,
    at: datetime,
) -> list[str]:
    """Keep the passkey that the browser made.

    Args:
        user: whose it is.
        credential: the browser's answer, JSON.
        challenge: of `passkey_creation`.
        host: the name of this site.
        origin: its address, with scheme and port.
        name: what the person calls it.
        at: now.

    Returns:
        Recovery codes to write down, if this is the person's first second factor.

    Raises:
        FactorRefused: it does not belong to this challenge and site.
    """
    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
        )
    except exceptions.WebAuthnException as error:
        raise FactorRefused(f"The passkey was not accepted: {error}") from None
    if SecondFactor.objects.filter(credential_id=made.credential_id).exists():
        raise FactorRefused("This passkey is in use already")
    factor = SecondFactor(
        user=user,
        kind=SecondFactor.PASSKEY,
        name=name,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
        created_at=at,
    )
    return _keep(factor, at)


def _keep(factor: SecondFactor, at: datetime) -> list[str]:
    is_first = not has_any(factor.user)
    factor.save(force_insert=True)
    audit.record(
        actor=factor.user, action="accounts.add_second_factor", target=factor.user, at=at,
        after={"kind": factor.kind, "name": factor.name},
    )  # fmt: skip
    return new_recovery_codes(factor.user, at=at) if is_first else []


@transaction.atomic
def new_recovery_codes(user: User, *, at: datetime) -> list[str]:
    """Return new recovery codes to write down; older ones serve no more."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(one)) for one in codes)
    audit.record(actor=user, action="accounts.make_recovery_codes", target=user, at=at)
    return codes


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes of a user still serve."""
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


# --- showing -----------------------------------------------------------------------------------


@transaction.atomic
def check_code(user: User, code: str, *, at: datetime) -> None:
    """Take a code of an authenticator app, or a recovery code; none serves twice.

    Raises:
        FactorRefused: it is neither, or was used before.
    """
    code = "".join(filter(str.isalnum, code)).upper()  # people write dashes between the groups
    apps = SecondFactor.objects.select_for_update().filter(
        user=user, kind=SecondFactor.AUTHENTICATOR
    )
    for factor in apps:
        secret = sealing.unseal(_cipher(), factor.sealed_secret, label=_label(user)).decode()
        step = _matching_step(secret, code, at, after=factor.last_step)
        if step is not None:
            factor.last_step, factor.last_used_at = step, at
            factor.save(update_fields=["last_step", "last_used_at"])
            return
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(code), used_at=None)
    if not unused.update(used_at=at):
        raise FactorRefused(
            "This code is wrong or was used before; wait until the app shows the next one, or "
            "take another recovery code"
        )
    audit.record(actor=user, action="accounts.use_recovery_code", target=user, at=at)


def passkey_request(user: User, *, host: str) -> tuple[str, bytes]:
    """Return what the browser needs to ask for a passkey, as JSON, and the challenge in it.

    A user who is not there has none.
    """
    known = SecondFactor.objects.filter(user=user.pk, kind=SecondFactor.PASSKEY)
    options = webauthn.generate_authentication_options(
        rp_id=host, allow_credentials=[_descriptor(one) for one in known]
    )
    return webauthn.options_to_json(options), options.challenge


@transaction.atomic
def check_passkey(
    user: User, *, credential: str, challenge: bytes, host: str, origin: str, at: datetime
) -> None:
    """Take the browser's answer for one of the user's passkeys.

    Args: as `add_passkey`, with the challenge of `passkey_request`.

    Raises:
        FactorRefused: it is none of theirs, or signed something else.
    """
    try:
        given = webauthn.helpers.parse_authentication_credential_json(credential)
        known = SecondFactor.objects.select_for_update()
        factor = known.get(user=user, credential_id=given.raw_id)
        seen = webauthn.verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=bytes(factor.public_key),
            credential_current_sign_count=factor.sign_count,
        )
    except SecondFactor.DoesNotExist:
        raise FactorRefused("This passkey does not belong to this user") from None
    except exceptions.WebAuthnException as error:
        raise FactorRefused(f"The passkey was not accepted: {error}") from None
    factor.sign_count, factor.last_used_at = seen.new_sign_count, at
    factor.save(update_fields=["sign_count", "last_used_at"])


# --- taking away -------------------------------------------------------------------------------


@transaction.atomic
def remove(factor: SecondFactor, *, at: datetime) -> None:
    """Have a person give up one of their own second factors.

    Raises:
        FactorRefused: it is the last one and the person may not work without.
    """
    user = factor.user
    if must_have(user) and user.second_factors.count() == 1:
        raise FactorRefused("Set up another one first: your groups need a second factor")
    audit.record(
        actor=user, action="accounts.remove_second_factor", target=user, at=at,
        before={"kind": factor.kind, "name": factor.name},
    )  # fmt: skip
    factor.delete()
    if not has_any(user):
        RecoveryCode.objects.filter(user=user).delete()


@transaction.atomic
def reset(user: User, *, by: User, at: datetime, reason: str) -> None:
    """Take all second factors from somebody who lost them; they set up new ones at log-in.

    Raises:
        NotPermitted: `by` may not manage people.
    """
    require(by, "accounts.manage_people")
    count, _ = SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    audit.record(
        actor=by, action="accounts.reset_second_factor", target=user, at=at,
        before={"second_factors": count}, reason=reason,
    )  # fmt: skip


def _matching_step(secret: str, code: str, at: datetime, *, after: int) -> int | None:
    """Return the time step whose code this is, if it is near and later than `after`."""
    now = int(at.timestamp()) // _STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for step in range(now - _STEPS_OFF, now + _STEPS_OFF + 1):
        expected = totp.generate_otp(step)
        if step > after and hmac.compare_digest(expected.encode(), code.encode()):
            return step
    return None


def _descriptor(factor: SecondFactor) -> structs.PublicKeyCredentialDescriptor:
    identifier: Any = factor.credential_id
    return structs.PublicKeyCredentialDescriptor(id=bytes(identifier))


def _recovery_code() -> str:
    return base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()


def _digest(code: str) -> str:
    return salted_hmac("headend.accounts.recovery", code, algorithm="sha256").hexdigest()


def _label(user: User) -> str:
    return f"authenticator app of user {user.pk}"


def _cipher() -> AESGCM:
    return _cipher_under(settings.SECRET_KEY)


@lru_cache(maxsize=2)
def _cipher_under(secret_key: str) -> AESGCM:
    derive = HKDF(SHA256(), length=sealing.KEY_BYTES, salt=None, info=b"openprepay second factors")
    return AESGCM(derive.derive(secret_key.encode()))
