"""What the security module refuses."""

from headend.config.errors import Refusal


class KeyMissing(Refusal):
    """The security module holds no such key."""

    code = "key_missing"


class KeyNotActive(Refusal):
    """The key may not be used at this time."""

    code = "key_not_active"


class VendingKeyExpired(Refusal):
    """The token identifier lies after the key's expiry number."""

    code = "vending_key_expired"


class PublishedKeyRefused(Refusal):
    """A published key was asked for outside demonstration mode."""

    code = "published_key_refused"


class InvalidKey(Refusal):
    """The key can't be loaded: wrong length, impossible attributes, or there already."""

    code = "key_invalid"


class VaultUnreadable(Refusal):
    """A sealed key does not open under this installation's master key."""

    code = "vault_unreadable"
