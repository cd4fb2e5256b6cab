"""Energy becomes impulses exactly, however time is cut into pieces."""

from hypothesis import given
from hypothesis import strategies as st

from tools.simulate.physics import Supply

HOUR_NS = 3600 * 10**9


def test_one_kilowatt_for_an_hour_gives_the_meter_constant() -> None:
    assert Supply(1000).advance(HOUR_NS, watts=1000, time_lapse=1) == 1000
    assert Supply(1600).advance(HOUR_NS, watts=1000, time_lapse=1) == 1600


def test_time_lapse_makes_a_second_an_hour() -> None:
    assert Supply().advance(10**9, watts=2000, time_lapse=3600) == 2000


def test_no_load_gives_nothing() -> None:
    assert Supply().advance(HOUR_NS, watts=0, time_lapse=3600) == 0


@given(st.lists(st.integers(0, HOUR_NS // 7), max_size=40), st.integers(0, 20_000))
def test_pieces_add_up_to_the_whole(pieces: list[int], watts: int) -> None:
    cut, whole = Supply(), Supply()
    in_pieces = sum(cut.advance(piece, watts=watts, time_lapse=3) for piece in pieces)
    assert in_pieces == whole.advance(sum(pieces), watts=watts, time_lapse=3)
