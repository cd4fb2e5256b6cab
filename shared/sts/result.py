"""What processing a token can answer: the one table of numeric codes and names.

Codes 1-16 are those of one manufacturer's status register; the standard names the results but
no number was seen for sections 3 and 4 of a key change, so 17 and 18 are ours.
"""

ACCEPT = 1
FIRST_SECTION = 2
SECOND_SECTION = 3
OVERFLOW_ERROR = 4
KEY_TYPE_ERROR = 5
FORMAT_ERROR = 6
RANGE_ERROR = 7
FUNCTION_ERROR = 8
OLD_ERROR = 9
USED_ERROR = 10
KEY_EXPIRED_ERROR = 11
DDTK_ERROR = 12
CRC_ERROR = 13
MFR_CODE_ERROR = 14
LOCKOUT_ERROR = 15
NOT_READY = 16
THIRD_SECTION = 17
FOURTH_SECTION = 18

NAMES = (
    "",
    "Accept",
    "1stKCT",
    "2ndKCT",
    "OverflowError",
    "KeyTypeError",
    "FormatError",
    "RangeError",
    "FunctionError",
    "OldError",
    "UsedError",
    "KeyExpiredError",
    "DDTKError",
    "CRCError",
    "MfrCodeError",
    "LockoutError",
    "NotReady",
    "3rdKCT",
    "4thKCT",
)


def name(code):
    """Return the standard's name of a result code (1..18), or "Unknown"."""
    return NAMES[code] if 0 < code < len(NAMES) else "Unknown"
