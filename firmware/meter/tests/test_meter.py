"""The whole meter without hardware: tokens, energy, warning, load switch, payment mode."""

from firmware.meter.tests.kit import Bench


def test_a_new_meter_is_off_and_a_token_switches_it_on():
    bench = Bench()
    assert not bench.relay.closed
    assert bench.rows() == ("Credit  0.00 kWh", "Off: no credit")
    token = bench.credit_token(500)
    assert bench.type_token(token) == ("Accepted", "+50.00 kWh")
    assert bench.relay.closed
    assert bench.meter.state.credit_wh == 50_000
    assert bench.type_token(token) == ("Already used", "")
    assert bench.meter.state.credit_wh == 50_000
