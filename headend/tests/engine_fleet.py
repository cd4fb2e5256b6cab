"""What the meters do: they use energy, answer orders, tell what happened, and lose the network."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from django.test import TestCase
from hypothesis import strategies as st
from hypothesis.stateful import rule

from headend.customers.models import SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.fleet import numbered, outbox, replies, states
from headend.fleet.account_orders import change_payment_mode
from headend.fleet.delivery import Occurrence
from headend.fleet.models import Command, MeterLink
from headend.fleet.queries import unfinished_commands
from headend.fleet.services import lock_link
from headend.fleet.steps import step
from headend.ledger import chart
from headend.supply.models import ModeSwitch, Rule
from headend.supply.rules import rule_in_force
from headend.tests.engine import Engine, which
from headend.tests.engine_books import energys_worth
from headend.tests.engine_meters import WallMeter
from headend.vending.models import Sale
from shared.wire import codes, commands

_MAY_BE_REFUSED = (commands.ADJUST_CREDIT, commands.CLOSE_ACCOUNT, commands.PAYMENT_MODE)
# Minor units a kWh, with 15 % tax: the first home's tariff, and the steps of the second's.
FLAT = Fraction(2875, 10)
STEPS = (Fraction(115), Fraction(230))


class Fleet(Engine):
    """The meters on the walls, and those that were taken down."""

    def __init__(self) -> None:
        super().__init__()
        self.walls = [home.wall for home in self.homes]

    @rule(number=which, energy_wh=st.integers(1, 40_000))
    def use_energy(self, number: int, energy_wh: int) -> None:
        """Lamps burn."""
        self.home(number).wall.use(energy_wh)

    @rule(number=which)
    def type_what_is_on_the_table(self, number: int) -> None:
        """The consumer types what was bought, whenever they like."""
        self.home(number).type_all()

    @rule(number=which, refuses=st.sampled_from([False, False, False, True]))
    def a_meter_comes_online(self, number: int, refuses: bool) -> None:
        """It tells what happened and how it is, and answers what waits for it."""
        wall = self.walls[number % len(self.walls)]
        self.a_minute_passes()
        known = set(ModeSwitch.objects.values_list("pk", flat=True))
        link = self.report(wall)
        for command in list(unfinished_commands(wall.meter)):
            self.have_answered(wall, link, command, refuses=refuses)
        self.report(wall)
        for switch in ModeSwitch.objects.exclude(pk__in=known):
            assert switch.payment_mode == wall.mode
            self.note_switch(switch, wall)

    def report(self, wall: WallMeter) -> MeterLink:
        """Have the head-end store what a meter tells; return its link."""
        with TestCase.captureOnCommitCallbacks(execute=True):
            link = lock_link(wall.meter)
            link.online, link.boot = True, 1
            for event in wall.events():
                numbered.take_event(wall.meter, link, event, at=self.at, is_live=True)
            states.take_state(wall.meter, link, wall.report(), at=self.at, is_live=False)
            link.save()
        return link

    def have_answered(
        self, wall: WallMeter, link: MeterLink, command: Command, *, refuses: bool
    ) -> None:
        """Carry a command to its meter and the answer back, unless it is too late for it."""
        command.refresh_from_db()
        if command.expires_at is not None and command.expires_at <= self.at:
            return
        link.last_command_number += 1
        command.number = link.last_command_number
        step(command, Occurrence.NUMBERED, at=self.at)
        link.save()
        if refuses and command.command in _MAY_BE_REFUSED:
            status, detail = wall.refuse()
        else:
            status, detail = wall.do(command)
        answer = {"n": command.number, "stage": "done", "status": status, "detail": detail}
        replies.take_ack(wall.meter, link, answer, at=self.at, is_live=True)

    def note_switch(self, switch: ModeSwitch, wall: WallMeter) -> None:
        """By rule, what was paid for goes to the bill when a meter goes over to post-payment."""
        refunds = rule_in_force(at=self.at).mode_credit == Rule.ModeCredit.REFUNDED
        served = agreements_in_force().filter(meter=switch.meter_id).first()
        if (
            switch.payment_mode != codes.POSTPAYMENT
            or not refunds
            or served is None
            or switch.credit_wh <= 0
        ):
            assert switch.take_off is None
            assert switch.credited_minor == 0
            return
        paid_wh = -switch.take_off.arguments["amount_wh"] if switch.take_off else 0
        assert 0 <= switch.credit_wh - paid_wh <= self.given_free_wh(served)
        self.check_worth(served.pk, paid_wh, switch.credited_minor)
        self.books.add(chart.BILLING, -switch.credited_minor)
        wall.on_bill_wh += paid_wh

    def given_free_wh(self, agreement: SupplyAgreement) -> int:
        """Return how much an agreement was given without a price."""
        return sum(agreement.free_grants.values_list("energy_wh", flat=True))

    def check_worth(self, agreement: int, credit_wh: int, told_minor: int) -> None:
        """Compare what credit is said to be worth with what the rule in force makes of it."""
        rule = rule_in_force(at=self.at)
        if rule.valuation == Rule.Valuation.NOTHING:
            assert told_minor == 0
            return
        if rule.valuation == Rule.Valuation.FIXED:
            assert told_minor == energys_worth(credit_wh, Fraction(rule.price_minor_per_kwh or 0))
            return
        last = Sale.objects.standing().filter(agreement=agreement, issued_wh__gt=0).last()
        tariff = last.tariff_version.tariff if last else None
        if tariff == self.tariffs[0]:
            assert told_minor == energys_worth(credit_wh, FLAT)
        elif tariff == self.tariffs[1]:
            figures = sorted(energys_worth(credit_wh, price) for price in STEPS)
            assert figures[0] <= told_minor <= figures[1]

    @rule(number=which)
    def a_meter_loses_the_network(self, number: int) -> None:
        """Nothing is sent to it for now."""
        wall = self.walls[number % len(self.walls)]
        MeterLink.objects.filter(meter=wall.meter_id).update(online=False)

    @rule()
    def orders_run_out(self) -> None:
        """What nobody answered in time is given up."""
        outbox.expire(at=self.at + timedelta(seconds=1))

    @rule(number=which, mode=st.sampled_from(codes.PAYMENT_MODES))
    def switch_mode(self, number: int, mode: str) -> None:
        """What counts is what the meter does; that comes when it is online."""
        change_payment_mode(
            meter=self.home(number).wall.meter,
            payment_mode=mode,
            requested_by=self.by,
            reason="test",
            at=self.at,
        )
