"""Keeps vendors' programs out of the utility's own business, whatever their scopes."""

from __future__ import annotations

from headend.api.models import ApiKey
from headend.config.errors import NotPermitted
from headend.vendors.queries import vendor_of


def require_utility(key: ApiKey) -> None:
    """Let only programs of the utility itself go on.

    Raises:
        NotPermitted: the program belongs to a vendor.
    """
    if vendor_of(key.program) is not None:
        raise NotPermitted("only the utility may do this, not a vendor")
