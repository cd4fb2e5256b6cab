"""Token identifiers: the minute of issue, counted from a base date, in 24 bits."""

from shared.sts.errors import KeyExpired, OutOfRange, WrongFormat

MAXIMUM = 0xFFFFFF
MINUTES_PER_DAY = 1440
# 1 January 00:00 UTC of each base date, in seconds since 1970.
BASE_SECONDS = {1993: 725846400, 2014: 1388534400, 2035: 2051222400}
_DAYS_IN_MONTH = b"\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"


def base_seconds(base_date):
    """Return a base date (1993, 2014 or 2035) as seconds since 1970; OutOfRange for others."""
    if base_date not in BASE_SECONDS:
        raise OutOfRange(f"the base date is 1993, 2014 or 2035, not {base_date}")
    return BASE_SECONDS[base_date]


def is_reserved(tid):
    """Return whether an identifier names the minute 00:01 of a day, which is reserved."""
    return tid % MINUTES_PER_DAY == 1


def from_utc(seconds, base_date):
    """Return the identifier of a token issued at a time.

    Args:
        seconds: UTC seconds since 1970.
        base_date: 1993, 2014 or 2035.

    Returns:
        int: whole minutes since the base date; 00:02 for a time in the reserved minute 00:01.

    Raises:
        OutOfRange: before the base date or after the last minute that 24 bits can count.
    """
    tid = (seconds - base_seconds(base_date)) // 60
    if not 0 <= tid <= MAXIMUM:
        raise OutOfRange(f"a token of base date {base_date} cannot be issued at that time")
    return tid + 1 if is_reserved(tid) else tid


def from_calendar(year, month, day, hour, minute, base_date):
    """Return the identifier for a UTC calendar time; WrongFormat for an impossible date."""
    return from_utc(utc_seconds(year, month, day, hour, minute), base_date)


def utc_seconds(year, month, day, hour, minute):
    """Return the seconds since 1970 of a UTC calendar time; WrongFormat if there is no such."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not (1970 <= year <= 9999 and 1 <= month <= 12 and 0 <= hour < 24 and 0 <= minute < 60):
        raise WrongFormat(f"{year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d} is no time")
    if not 1 <= day <= _DAYS_IN_MONTH[month - 1] + (leap and month == 2):
        raise WrongFormat(f"{year}-{month:02d} has no day {day}")
    years = year - 1
    days = years * 365 + years // 4 - years // 100 + years // 400 - 719162
    days += sum(_DAYS_IN_MONTH[: month - 1]) + (leap and month > 2) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60


def to_utc(tid, base_date):
    """Return the UTC seconds since 1970 of an identifier's minute."""
    return base_seconds(base_date) + tid * 60


def following(tid):
    """Return the next identifier that a further token of the same sale may take.

    Raises:
        OutOfRange: `tid` was the last of its base date.
    """
    tid += 1
    if is_reserved(tid):
        tid += 1
    if tid > MAXIMUM:
        raise OutOfRange("no token identifier is left on this base date")
    return tid


def is_expired(tid, ken):
    """Return whether an identifier lies after the key expiry number (0..255) of its key."""
    return tid >> 16 > ken


def require_unexpired(tid, ken):
    """Raise KeyExpired if a vending key with this expiry number must no longer issue `tid`."""
    if is_expired(tid, ken):
        raise KeyExpired(f"the vending key expired (KEN {ken}) before this time of issue")
