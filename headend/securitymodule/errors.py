"""Refusals of the security module."""

from __future__ import annotations

from django.db import models

from headend.config.errors import Refusal


class KeyRefused(Refusal):
    """A key may not be used for what was asked.

    Args:
        message: one sentence for a person.
        target: the key, or the meter for which there is none; the audit record names it.
    """

    code = "key_refused"

    def __init__(self, message: str, target: models.Model | None = None) -> None:
        super().__init__(message)
        self.target = target


class KeyMissing(KeyRefused):
    """The security module holds no such key."""

    code = "key_missing"


class KeyNotActive(KeyRefused):
    """The key may not be used at this time."""

    code = "key_not_active"


class VendingKeyExpired(KeyRefused):
    """The token identifier lies after the key's expiry number."""

    code = "vending_key_expired"


class PublishedKeyRefused(KeyRefused):
    """A published key was asked for outside demonstration mode."""

    code = "published_key_refused"


class CreditCeilingReached(KeyRefused):
    """The key has issued as much energy as it was allowed to."""

    code = "credit_ceiling_reached"


class VaultUnreadable(KeyRefused):
    """A sealed key does not open under this installation's master key."""

    code = "vault_unreadable"


class ModuleUnavailable(KeyRefused):
    """The hardware security module that holds the key can't be used."""

    code = "security_module_unavailable"


class InvalidKey(Refusal):
    """The key can't be loaded: wrong length, impossible attributes, or there already."""

    code = "key_invalid"


class LoadFileRefused(Refusal):
    """A key-load file can't be opened, or the ceremony was not held as it must be."""

    code = "key_load_refused"


class InvalidTokenContent(Refusal):
    """No token can carry that."""

    code = "token_content_invalid"
