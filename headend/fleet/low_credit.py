"""When a consumer is warned of low credit: once per drop. Pure."""

from __future__ import annotations

from typing import NamedTuple

from shared.wire import codes


class Verdict(NamedTuple):
    """What a judged state leads to.

    Attributes:
        told: whether this drop has been told, to be kept until the next state.
        tell_now: whether to send the message now.
    """

    told: bool
    tell_now: bool


def hysteresis_wh(threshold_wh: int) -> int:
    """Return how far above the threshold the credit must rise before a next drop counts."""
    return max(threshold_wh // 10, 100)


def judge(*, told: bool, payment_mode: str, credit_wh: int, threshold_wh: int) -> Verdict:
    """Judge one state of a meter.

    Args:
        told: whether the present drop was told already.
        payment_mode: the meter's; in postpayment there is no credit to run low.
        credit_wh: credit register, may be negative.
        threshold_wh: the supply agreement's; 0 means that no warning is wanted.
    """
    if payment_mode != codes.PREPAYMENT or threshold_wh == 0:
        return Verdict(told=False, tell_now=False)
    if credit_wh <= threshold_wh:
        return Verdict(told=True, tell_now=not told)
    if credit_wh > threshold_wh + hysteresis_wh(threshold_wh):
        return Verdict(told=False, tell_now=False)
    return Verdict(told=told, tell_now=False)


def message(*, drn: str, credit_wh: int) -> str:
    """Return the text for the customer.

    Args:
        drn: number on the meter's label.
        credit_wh: credit register; at zero and below it the load is off.
    """
    if credit_wh <= 0:
        return (
            f"Meter {drn} has no credit left and is switched off. "
            "Buy electricity and enter the token to switch it on again."
        )
    tenths = credit_wh // 100
    return (
        f"Meter {drn} has {tenths // 10}.{tenths % 10} kWh left. "
        "Buy electricity in time to stay connected."
    )
