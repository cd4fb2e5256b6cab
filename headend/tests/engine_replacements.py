"""What can happen to meters on the wall: they are replaced, and what is on them moves over."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from headend.customers.errors import InvalidAgreement
from headend.customers.models import SupplyAgreement
from headend.meters.errors import TokenIdentifiersExhausted
from headend.meters.services import KeyAttributes, register_meter
from headend.securitymodule.services import DEMONSTRATION_SGC
from headend.supply import replacements, second_issues, transfers
from headend.supply.errors import NotProvedUnused, ReplacementNotPossible
from headend.supply.models import Replacement
from headend.supply.replacements import OldMeter
from headend.testing import NOON, new_drn
from headend.tests.engine import Home, which
from headend.tests.engine_campaigns import Campaigns
from headend.tests.engine_meters import WallMeter
from headend.tests.engine_sales import EXHAUSTED
from headend.vending.models import IssuedToken
from headend.vending.tests.key_meters import load_key

OLD_KRN = 9  # the revision of the key that old meters have


@dataclass
class Exchange:
    """A replacement, the meter that came down, and what was never typed into it."""

    replacement: Replacement
    home: Home
    old: WallMeter
    moves_wh: int = 0  # its credit when it was read, but for what is on a bill
    untyped: list[IssuedToken] = field(default_factory=list)


class Replacements(Campaigns):
    """Meters burn, and others are hung in their places."""

    def __init__(self) -> None:
        super().__init__()
        load_key(krn=OLD_KRN, base_date=EXHAUSTED)
        self.exchanges: list[Exchange] = []

    @rule(number=which, is_read=st.booleans(), is_old=st.booleans(), types=st.booleans())
    def replace_the_meter(self, number: int, is_read: bool, is_old: bool, types: bool) -> None:
        """The agreement goes on with another meter; the old one's credit is to move over."""
        home = self.home(number)
        if types:
            home.type_all()
        old, wall = home.wall, self.a_new_wall(is_old=is_old)
        supply = SupplyAgreement.objects.get(pk=home.supply.pk)
        try:
            replacement = replacements.replace(
                supply,
                wall.meter,
                old=OldMeter(old.energy_wh, old.credit_wh) if is_read else OldMeter(),
                new_energy_wh=wall.energy_wh,
                by=self.by,
                at=self.at,
                reason="burnt",
            )
        except InvalidAgreement:
            assert home.is_vacated
            return
        assert not home.is_vacated
        self.walls.append(wall)
        self.exchanges.append(Exchange(replacement, home, old, untyped=home.on_table))
        if is_read:
            self.exchanges[-1].moves_wh = old.read() - old.read_on_bill_wh
        home.supply, home.wall, home.on_table = supply, wall, []

    def a_new_wall(self, *, is_old: bool) -> WallMeter:
        """Return a meter from stock: one of the old base date, or one of today's."""
        key = KeyAttributes(sgc=DEMONSTRATION_SGC)
        if is_old:
            key = KeyAttributes(sgc=DEMONSTRATION_SGC, krn=OLD_KRN, base_date=EXHAUSTED)
        return WallMeter(register_meter(drn=new_drn(), key=key, by=self.by, at=NOON))

    @precondition(lambda self: bool(self.exchanges))
    @rule(number=which)
    def read_the_old_meter(self, number: int) -> None:
        """What could not be read when it came down is read later."""
        exchange = self.exchanges[number % len(self.exchanges)]
        if self.stored(exchange).credit_wh is not None:
            return
        replacements.note_registers(
            exchange.replacement,
            energy_wh=exchange.old.energy_wh,
            credit_wh=exchange.old.credit_wh,
            by=self.by,
            at=self.at,
        )
        exchange.moves_wh = exchange.old.read() - exchange.old.read_on_bill_wh

    @precondition(lambda self: bool(self.exchanges))
    @rule(number=which, by_token=st.booleans())
    def transfer_the_credit(self, number: int, by_token: bool) -> None:
        """It moves over once, as a token or by command."""
        exchange = self.exchanges[number % len(self.exchanges)]
        known = self.stored(exchange)
        was_done = known.transferred_at is not None
        try:
            if by_token:
                token = transfers.transfer_by_token(known, by=self.by, at=self.at)
                assert 0 <= (token.units or 0) * 100 - exchange.moves_wh < 2_000
                exchange.home.on_table.append(token)
            else:
                command = transfers.transfer_by_command(known, by=self.by, at=self.at)
                assert command.arguments == {"amount_wh": exchange.moves_wh}
        except ReplacementNotPossible:
            has_ended = known.agreement.ended_at is not None
            assert was_done or has_ended or exchange.moves_wh <= 0
            assert by_token or was_done or has_ended or not exchange.moves_wh
            return
        except TokenIdentifiersExhausted:
            assert exchange.home.wall.meter.base_date == EXHAUSTED
            return
        assert not was_done

    @precondition(lambda self: any(one.untyped for one in self.exchanges))
    @rule(number=which)
    def issue_anew(self, number: int) -> None:
        """What was never typed into the old meter is made for the new one, if it is proved."""
        waiting = [one for one in self.exchanges if one.untyped]
        exchange = waiting[number % len(waiting)]
        token = exchange.untyped.pop()
        try:
            made = second_issues.reissue(self.stored(exchange), token, by=self.by, at=self.at)
        except (NotProvedUnused, ReplacementNotPossible):
            return
        assert token.digits not in exchange.old.entered
        assert made.new_token.units == token.units
        exchange.home.on_table.append(made.new_token)

    def stored(self, exchange: Exchange) -> Replacement:
        """Return a replacement as it is now."""
        return Replacement.objects.get(pk=exchange.replacement.pk)
