"""Registers under their OBIS codes."""

import pytest

from headend.fleet.models import MeterState
from headend.fleet.obis import Register, register
from headend.fleet.queries import load_switch


@pytest.mark.parametrize(
    ("code", "quantity", "unit"),
    [
        ("1.8.0", "active energy import, total", "Wh"),
        ("1.8.2", "active energy import, rate 2", "Wh"),
        ("2.8.0", "active energy export, total", "Wh"),
        ("3.8.0", "reactive energy import, total", "varh"),
        ("9.8.0", "apparent energy import, total", "VAh"),
        ("41.8.0", "active energy import, phase L2, total", "Wh"),
        ("1.7.0", "active power import", "W"),
        ("96.1.0", None, None),
        ("nonsense", None, None),
    ],
)
def test_a_register_is_named_after_its_code(code, quantity, unit):
    assert register(code, 7) == Register(f"1-0:{code}", quantity, 7, 0, unit)


@pytest.mark.parametrize(
    ("closed", "reasons", "told"),
    [
        (True, [], "connected"),
        (False, ["no_credit"], "disconnected"),
        (False, ["ready_for_reconnection"], "ready_for_reconnection"),
    ],
)
def test_the_load_switch_has_the_states_of_the_standard(closed, reasons, told):
    assert load_switch(MeterState(relay_closed=closed, open_reasons=reasons)) == told
