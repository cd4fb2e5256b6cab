"""What the display says, in English: two rows of 16 characters, "\\n" between them."""

ON = "On"
PREPAID = "Prepaid"
POSTPAID = "Post-paid"
LOW = "Low credit"
CREDIT = "Credit"
USED = "Used"
OFF = (
    "Off: no credit",
    "Off: by utility",
    "Off: overload",
    "Off: tamper",
    "Press # for on",
    "Off: fault",
)
FAULT = "Meter fault\nCall the utility"
RESULTS = {
    1: "Accepted",
    2: "Accepted, key 1\nEnter the others",
    3: "Accepted, key 2\nEnter the others",
    4: "Credit is full\nUse some first",
    5: "Key not allowed",
    6: "Wrong number\nPlease check it",
    7: "Value not valid",
    8: "Not for this\nkind of meter",
    9: "Too old",
    10: "Already used",
    11: "Key has expired",
    12: "Not with this\nkey: no credit",
    13: "Wrong number\nor other meter",
    14: "Not for\nthis meter",
    15: "Locked: wait",
    17: "Accepted, key 3\nEnter the others",
    18: "Accepted, key 4\nEnter the others",
    108: "Storage fault\nCall the utility",
}
TOO_SHORT = "Too short:\n20 digits needed"
NO_SUCH_CODE = "No such code\nTry 1 to 14"
TOTAL = "Total used"
POWER = "Power now"
TAKEN = "Token"
NONE_TAKEN = "No token yet"
METER_NUMBER = "Meter number"
KEY = "SGC    KRN TI"
POWER_LIMIT = "Limit"
NONE = "none"
WARNING = "Warn"
DAYS_LEFT = "Days left"
UNKNOWN = "not yet known"
LOAD = "Load"
CLOCK = "Clock"
CLOCK_QUALITIES = {
    "unset": "not set",
    "restored": "restored",
    "set": "set",
    "simulated": "simulated",
}
FIRMWARE = "Firmware"
TAMPER = "Tamper"
YES = "yes"
NO = "no"
KEY_DETAILS = "EA KT KEN base"
KEYPAD = "by keypad"
REMOTE = "from utility"
