"""What the display says, in English: two rows of 16 characters, "\\n" between them.

Each ends with "|"; wording.py numbers them in this order. One text takes a third of the memory
that as many names would.
"""

TEXTS = (
    "On|"  # ON
    "Prepaid|"  # PREPAID
    "Post-paid|"  # POSTPAID
    "Low credit|"  # LOW
    "Credit|"  # CREDIT
    "Used|"  # USED
    "Off: no credit|"  # OFF
    "Off: by utility|"
    "Off: overload|"
    "Off: tamper|"
    "Press # for on|"
    "Off: fault|"
    "Meter fault\nCall the utility|"  # FAULT
    "Accepted|"  # RESULTS
    "Accepted, key 1\nEnter the others|"
    "Accepted, key 2\nEnter the others|"
    "Credit is full\nUse some first|"
    "Key not allowed|"
    "Wrong number\nPlease check it|"
    "Value not valid|"
    "Not for this\nkind of meter|"
    "Too old|"
    "Already used|"
    "Key has expired|"
    "Not with this\nkey: no credit|"
    "Wrong number\nor other meter|"
    "Not for\nthis meter|"
    "Locked: wait|"
    "|"
    "Accepted, key 3\nEnter the others|"
    "Accepted, key 4\nEnter the others|"
    "Storage fault\nCall the utility|"
    "Too short:\n20 digits needed|"  # TOO_SHORT
    "No such code\nTry 1 to 14|"  # NO_SUCH_CODE
    "Total used|"  # TOTAL
    "Power now|"  # POWER
    "Token|"  # TAKEN
    "No token yet|"  # NONE_TAKEN
    "Meter number|"  # METER_NUMBER
    "SGC    KRN TI|"  # KEY
    "Limit|"  # POWER_LIMIT
    "none|"  # NONE
    "Warn|"  # WARNING
    "Days left|"  # DAYS_LEFT
    "not yet known|"  # UNKNOWN
    "Load|"  # LOAD
    "Clock|"  # CLOCK
    "not set|"  # CLOCK_QUALITIES
    "restored|"
    "set|"
    "simulated|"
    "Firmware|"  # FIRMWARE
    "Tamper|"  # TAMPER
    "yes|"  # YES
    "no|"  # NO
    "EA KT KEN base|"  # KEY_DETAILS
    "by keypad|"  # KEYPAD
    "from utility|"  # REMOTE
)
