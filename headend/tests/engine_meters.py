"""The meters on the walls: what consumers type and what the head-end orders is done there.

Their registers are the truth that closings, replacements and switches of mode are held against.
"""

from __future__ import annotations

from typing import Any

from headend.fleet.models import Command
from headend.meters.models import Meter
from headend.supply.models import SecondIssue
from headend.vending.models import IssuedToken
from headend.vending.tests.key_meters import FieldMeter
from shared.sts import decoder, result
from shared.sts.token import CLEAR_CREDIT, CREDIT_CLASS, MANAGEMENT_CLASS, Token
from shared.wire import codes, commands

_WH_PER_UNIT = 100


class WallMeter(FieldMeter):
    """A meter with registers, that answers orders and tells what happened to it."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(meter)
        self.meter_id = meter.pk
        self.drn = meter.drn
        self.energy_wh = self.credit_wh = self.postpaid_wh = 0
        self.mode = codes.PREPAYMENT
        self.is_closed = False
        self.on_bill_wh = 0  # of the credit: it was credited to a bill, and hangs here still
        self.read_on_bill_wh = 0  # as much of it when the registers were read last
        self.entered: set[str] = set()  # digits of credit tokens that it took
        self.untold: list[dict[str, Any]] = []
        self.told_seq = self.revision = 0

    @property
    def meter(self) -> Meter:
        """The meter as the head-end has it now."""
        return Meter.objects.get(pk=self.meter_id)

    def enter(self, digits: str) -> str:
        """Type a token; return the name of the result."""
        return str(result.name(self.take(digits)))

    def take(self, digits: str) -> int:
        """Take a token from the keypad or by command; return the result's code."""
        code, token = decoder.validate(self.state, digits)
        if code != result.ACCEPT:
            return int(code)
        code = decoder.commit(self.state, token, 0)
        if code == result.ACCEPT:
            self._carry_out(token, digits)
        return int(code)

    def use(self, energy_wh: int) -> None:
        """Have energy flow; a little below zero too, as with emergency credit."""
        if self.mode == codes.POSTPAYMENT and self.credit_wh <= 0:
            self.postpaid_wh += energy_wh
        else:
            energy_wh = min(energy_wh, self.credit_wh + 2_000)
            self.credit_wh -= energy_wh
        self.energy_wh += energy_wh

    def read(self) -> int:
        """Return the credit that it shows, and remember how much of it is on a bill."""
        self.read_on_bill_wh = self.on_bill_wh
        return self.credit_wh

    def do(self, command: Command) -> tuple[int, dict[str, Any]]:
        """Carry an order out; return the answer's status and detail."""
        arguments = command.arguments
        if command.command == commands.TOKEN:
            return self.take(arguments["digits"]), {}
        if command.command == commands.ADJUST_CREDIT:
            self.credit_wh += arguments["amount_wh"]
            self.on_bill_wh = max(0, self.on_bill_wh + min(0, arguments["amount_wh"]))
            return codes.OK, {"credit_wh": self.credit_wh}
        if command.command == commands.CLOSE_ACCOUNT:
            cleared_wh = self.read()
            self.credit_wh, self.on_bill_wh, self.is_closed = 0, 0, True
            registers = {"energy_wh": self.energy_wh, "postpaid_wh": self.postpaid_wh}
            return codes.OK, registers | {"cleared_wh": cleared_wh}
        if command.command == commands.PAYMENT_MODE:
            self.mode, self.is_closed = arguments["mode"], False
            return codes.OK, {
                "energy_wh": self.energy_wh,
                "credit_wh": self.credit_wh,
                "postpaid_wh": self.postpaid_wh,
            }
        return codes.OK, {}

    def refuse(self) -> tuple[int, dict[str, Any]]:
        """Return the answer to an order that it does not carry out."""
        return codes.NOT_ALLOWED, {}

    def events(self) -> list[dict[str, Any]]:
        """Return the claims of what it has not told yet, each once."""
        told = []
        for event in self.untold:
            self.told_seq += 1
            number = {"boot": 1, "seq": self.told_seq, "after": [1, self.told_seq - 1]}
            told.append(number | {"time": None} | event)
        if told:
            before = self.told_seq - len(told)
            told[0]["after"] = [min(1, before), before]
        self.untold = []
        return told

    def report(self) -> dict[str, Any]:
        """Return the claims of its state."""
        self.revision += 1
        return self.told() | {
            "boot": 1,
            "revision": self.revision,
            "boot_nonce": "abcd",
            "clock": "set",
            "time": None,
            "payment_mode": self.mode,
            "account_status": codes.ACCOUNT_CLOSED if self.is_closed else "active",
            "credit_wh": self.credit_wh,
            "energy_wh": self.energy_wh,
            "low_credit_wh": 5_000,
            "load_closed": True,
            "open_reasons": [],
            "last": [1, self.told_seq],
            "last_n": 0,
        }

    def _carry_out(self, token: Token, digits: str) -> None:
        if token.is_key_section:
            state = self.state
            self._note(codes.EVENT_KEY_CHANGED, krn=state.krn, ti=state.ti, sgc=state.sgc)
        elif token.token_class == CREDIT_CLASS:
            require_good(digits)
            self.entered.add(digits)
            self.credit_wh += token.units * _WH_PER_UNIT
            self._note(codes.EVENT_TOKEN_ACCEPTED, tid=token.tid)
        elif (token.token_class, token.subclass) == (MANAGEMENT_CLASS, CLEAR_CREDIT):
            self.credit_wh = 0

    def _note(self, code: int, **detail: Any) -> None:
        self.untold.append({"code": code, "detail": detail})


def require_good(digits: str) -> None:
    """Fail if a meter took credit that was given back in money or in another token."""
    token = IssuedToken.objects.get(digits=digits, token_class=CREDIT_CLASS)
    was_reversed = token.sale is not None and hasattr(token.sale, "reversal")
    assert hasattr(token, "free_grant") or not was_reversed, f"{token} was paid back and used"
    assert not SecondIssue.objects.filter(old_token=token).exists(), f"{token} was issued anew"
