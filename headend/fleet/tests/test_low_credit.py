"""One message per drop below the threshold."""

from __future__ import annotations

import pytest

from headend.fleet.low_credit import hysteresis_wh, judge, message

THRESHOLD = 5000


def _told(credits_wh: list[int], payment_mode: str = "prepayment") -> list[int]:
    """Return the credits at which a message is sent."""
    told, sent = False, []
    for credit_wh in credits_wh:
        verdict = judge(
            told=told, payment_mode=payment_mode, credit_wh=credit_wh, threshold_wh=THRESHOLD
        )
        told = verdict.told
        if verdict.tell_now:
            sent.append(credit_wh)
    return sent


def test_one_message_per_drop() -> None:
    assert _told([9000, 5001, 5000, 4000, 100, 0, -50]) == [5000]


def test_hovering_around_the_threshold_is_one_drop() -> None:
    assert _told([5000, 5100, 4990, 5500, 4900]) == [5000]


def test_a_purchase_arms_the_next_message() -> None:
    assert _told([4000, 5501, 4999]) == [4000, 4999]


def test_no_warning_in_postpayment() -> None:
    assert _told([9000, 100, 0], payment_mode="postpayment") == []


def test_a_threshold_of_zero_means_no_warning() -> None:
    verdict = judge(told=True, payment_mode="prepayment", credit_wh=-10, threshold_wh=0)
    assert verdict == (False, False)


@pytest.mark.parametrize(("threshold_wh", "expected"), [(0, 100), (500, 100), (5000, 500)])
def test_hysteresis(threshold_wh: int, expected: int) -> None:
    assert hysteresis_wh(threshold_wh) == expected


@pytest.mark.parametrize(("credit_wh", "text"), [(4990, "4.9 kWh left"), (50, "0.0 kWh left")])
def test_the_message_never_promises_more_than_there_is(credit_wh: int, text: str) -> None:
    assert text in message(drn="04000000013", credit_wh=credit_wh)


@pytest.mark.parametrize("credit_wh", [0, -700])
def test_without_credit_the_message_says_that_it_is_off(credit_wh: int) -> None:
    said = message(drn="04000000013", credit_wh=credit_wh)
    assert "no credit left and is switched off" in said
    assert "in time" not in said
