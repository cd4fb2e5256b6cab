"""The tone of each state's badge, and delivery states in words."""

from __future__ import annotations

from django.conf.locale import LANG_INFO

TONES = {
    # delivery of a command
    "pending": "info busy", "queued": "info busy", "published": "info busy",
    "received": "info busy", "accepted": "good", "rejected": "danger", "expired": "low",
    "superseded": "calm", "cancelled": "calm",
    # meter: presence, load switch, balance, mode
    "online": "good", "offline": "calm", "never seen": "calm",
    "closed": "good", "open": "danger", "credit": "good", "low credit": "low",
    "no credit": "danger", "prepayment": "info", "postpayment": "info",
    # life of a meter or an agreement
    "in stock": "calm", "installed": "good", "removed": "calm", "scrapped": "calm",
    "active": "good", "ended": "calm", "not yet active": "info",
    # a change of a meter's key
    "prepared": "info", "issued": "low", "entered": "good",
    # a key campaign, and how far a meter of it is
    "running": "info busy", "paused": "low", "stopped": "calm", "finished": "good",
    "pushed": "info", "handed out": "info", "confirmed": "good", "failed": "danger",
    # a row of a sheet
    "added": "good", "changed": "info", "unchanged": "calm", "error": "danger", "done": "good",
    "suspended": "danger",
    # a cashier's shift, after it was open
    "counted": "low",
    # what a group may do
    "second person": "info", "privileged": "low",
    # a request for a second person
    "cleared": "good", "matched": "good",
    "waiting": "info busy", "approved": "good", "refused": "danger", "withdrawn": "calm",
}  # fmt: skip

# Kinds of objects that people call by another name than the program does.
KINDS = {
    "accounts.approval": "request for approval", "accounts.user": "person",
    "auth.group": "group of people", "campaigns.campaign": "key campaign",
    "currencies.rate": "exchange rate", "customers.supplyagreement": "account (supply agreement)",
    "debts.energyfloor": "share of a payment kept for energy", "exchange.job": "import or export",
    "fleet.command": "order to a meter", "fleet.event": "event of a meter",
    "fleet.workitem": "task in the field",
    "housekeeping.chorerecord": "housekeeping", "ledger.account": "ledger account",
    "ledger.bankpayment": "payment through a bank", "ledger.entry": "ledger entry",
    "meters.keychange": "change of a meter's key",
    "securitymodule.linkroot": "root of meters' message keys",
    "supply.closing": "closed account", "supply.rule": "rule for closing accounts",
    "supply.secondissue": "token issued anew", "supply.modeswitch": "switch of the payment mode",
    "supply.replacement": "replaced meter", "vending.freeamount": "amount of free electricity",
    "vending.freeenrolment": "free electricity of an account",
    "vending.freegrant": "free electricity given", "vending.issuedtoken": "token",
    "vending.openinguse": "use before the take-over", "vendors.shift": "cashier's shift",
}  # fmt: skip

# Delivery states as one sentence for the person at the counter. Unknown is called unknown.
DELIVERY = {
    "pending": "Waiting to be prepared for sending",
    "queued": "Queued: it goes out as soon as the meter can be reached",
    "published": "Sent, not yet confirmed by the meter",
    "received": "The meter has it and is working on it",
    "accepted": "Accepted by the meter",
    "rejected": "The meter refused it",
    "expired": "Not confirmed in time; the meter will not act on it any more",
    "superseded": "Replaced by a later command",
    "cancelled": "Cancelled before it was sent",
}


def tone(word: str) -> str:
    """Class names for a state's tone; calm for a state nobody has given one."""
    return TONES.get(word, "calm")


# What the people of a language call it in English; Django knows the names of the others.
LANGUAGES = {"nso": "Sepedi", "ss": "siSwati", "st": "Sesotho", "tn": "Setswana", "ts": "Xitsonga",
             "ve": "Tshivenda", "xh": "isiXhosa", "zu": "isiZulu", "ha": "Hausa", "yo": "Yoruba",
             "nr": "isiNdebele", "am": "Amharic", "rw": "Kinyarwanda"}  # fmt: skip


def language(code: str) -> str:
    """The name of a language; its code if nobody knows it."""
    known = LANG_INFO.get(code.lower(), {}).get("name", "")
    return LANGUAGES.get(code.lower()) or known or code


def act(name: str) -> str:
    """What a recorded act is called: "customers.open_agreement" is "Open agreement"."""
    return name.rpartition(".")[2].replace("_", " ").capitalize()


def delivery(state: str) -> str:
    """One sentence that says where a command is."""
    return DELIVERY.get(state, "Unknown")
