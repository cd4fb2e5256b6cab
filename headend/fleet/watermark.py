"""How far a meter's numbered messages are stored without a loss. Pure.

A message is numbered (boot, seq). The watermark is the number up to which everything is in the
database; the meter forgets what it covers. It must not pass a message that was lost on the way,
yet a hole that the meter left itself (old readings thin out) must not hold it for ever: so each
message names the one that the meter kept just before it.
"""

from __future__ import annotations

from collections.abc import Iterable

Number = tuple[int, int]
NOTHING: Number = (0, 0)


def extends(watermark: Number, number: Number, after: Number | None) -> bool:
    """Say whether a stored message moves the watermark to its own number.

    Args:
        watermark: everything up to here is stored.
        number: (boot, seq) of the message.
        after: number of the message kept before it; None if it does not tell: then it must be
            the very next, or the first of a later boot.
    """
    if number <= watermark:
        return False
    if after is not None:
        return after <= watermark
    boot, seq = number
    if seq == watermark[1] + 1:
        return True
    return boot > watermark[0] and seq <= 1


def advance(watermark: Number, stored: Iterable[tuple[Number, Number | None]]) -> Number:
    """Return the watermark after looking at stored messages beyond it.

    Args:
        watermark: the present one.
        stored: (number, after) of messages in rising order of number.
    """
    for number, after in stored:
        if not extends(watermark, number, after):
            if number > watermark:
                break
            continue
        watermark = number
    return watermark
