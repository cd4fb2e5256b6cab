"""Turns a typed password into a key, slowly enough to make guessing expensive."""

from __future__ import annotations

from typing import Any

from argon2.low_level import Type, hash_secret_raw
from django.views.decorators.debug import sensitive_variables

from headend.config import sealing


@sensitive_variables()
def derive(password: bytes, work: dict[str, Any]) -> bytes:
    """Return the 32-byte key that Argon2id makes of a password.

    Args:
        password: any bytes.
        work: salt (hexadecimal), time_cost, memory_kib and lanes.
    """
    return hash_secret_raw(
        password,
        salt=bytes.fromhex(work["salt"]),
        time_cost=work["time_cost"],
        memory_cost=work["memory_kib"],
        parallelism=work["lanes"],
        hash_len=sealing.KEY_BYTES,
        type=Type.ID,
    )
