"""Puts words and figures into the rows of the display."""

FRENCH = 1
_WIDTH = 16


def words(language):
    """Return the module with the texts of a language (its number); only that one is loaded."""
    if language == FRENCH:
        from firmware.meter import texts_fr

        return texts_fr
    from firmware.meter import texts_en

    return texts_en


def kwh(wh):
    """Return watt-hours as kWh: two decimals below 1000, else one; never rounded up."""
    sign, wh = ("-", -wh) if wh < 0 else ("", wh)
    whole, rest = wh // 1000, wh % 1000
    if whole < 1000:
        return "%s%d.%02d" % (sign, whole, rest // 10)
    return "%s%d.%d" % (sign, whole, rest // 100)


def between(left, right):
    """Return a row with one text at the left edge and one at the right; the right one has room."""
    left = left[: max(_WIDTH - len(right) - 1, 0)]
    return left + " " * (_WIDTH - len(left) - len(right)) + right


def why(state, texts):
    """Return in words how the load switch stands and why."""
    reasons = state.open_reasons
    if not reasons:
        return texts.ON
    bit = 0
    while not reasons >> bit & 1:
        bit += 1
    return texts.OFF[bit]
