"""A meter's first journal, and what is refused as an identity."""

from __future__ import annotations

from typing import Any

import pytest

from firmware.meter.journal import Journal
from firmware.meter.provisioning import BadIdentity, provision
from firmware.meter.state import MeterState
from firmware.meter.tests.flash import Flash
from firmware.meter.tests.kit import FIRST_TID, IDENTITY, NOW, Bench
from shared.sts import result
from shared.sts.errors import OutOfRange, WrongFormat


def provisioned(changes: dict[str, Any], settings: dict[str, Any] | None = None) -> MeterState:
    state_flash = Flash(16, b"\x00" * 65536)
    provision(state_flash, Flash(32), IDENTITY | changes, NOW, settings)
    state = MeterState()
    Journal(state_flash).load(state)
    return state


def test_what_is_given_is_in_the_journal() -> None:
    state = provisioned({}, {"low_credit_wh": 777})
    assert (state.drn, state.pan) == (IDENTITY["drn"], IDENTITY["pan"])
    assert (state.link_root, state.link_generation) == (bytes(range(32)), 1)
    assert (state.low_credit_wh, state.credit_wh, state.last_utc) == (777, 0, NOW)
    key = state.decoder
    assert key is not None
    assert (key.sgc, key.kt, key.krn, key.ti, key.ken, key.ea) == (201457, 2, 1, 1, 255, 7)
    assert (key.decoder_key, key.base_date, key.mfr_code) == (IDENTITY["decoder_key"], 2014, "00")


def test_a_token_issued_in_the_minute_of_provisioning_is_good_and_an_earlier_one_is_not() -> None:
    bench = Bench()
    for tid, code in (
        (FIRST_TID - 2, result.OLD_ERROR),
        (FIRST_TID - 1, result.USED_ERROR),
        (FIRST_TID, result.ACCEPT),
    ):
        assert bench.meter.enter_token(bench.credit_token(10, tid=tid), "keypad") == code


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"drn": "00000000011"}, WrongFormat, "check digit"),
        ({"pan": "600727000000000017"}, BadIdentity, "not that of meter"),
        ({"decoder_key": b"short"}, BadIdentity, "8 bytes"),
        ({"ea": 9}, BadIdentity, "8 bytes"),
        ({"ea": 11}, BadIdentity, "16 for EA 11"),
        ({"link_root": b""}, BadIdentity, "32 bytes"),
        ({"krn": 0}, OutOfRange, "key revision"),
        ({"base_date": 2015}, OutOfRange, "base date"),
    ],
)
def test_what_does_not_fit_is_refused(
    changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        provisioned(changes)


def test_missing_values_and_unknown_settings_are_named() -> None:
    with pytest.raises(BadIdentity, match="krn, link_root"):
        provision(
            Flash(16),
            Flash(32),
            {name: value for name, value in IDENTITY.items() if name not in ("krn", "link_root")},
            NOW,
        )
    with pytest.raises(BadIdentity, match="colour"):
        provisioned({}, {"colour": 1})
