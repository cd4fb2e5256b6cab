"""Moving in: a new agreement at a meter, with nothing inherited by accident.

The account of whoever lived there must be settled, and what is left on the meter cleared, or
bought by the new customer at what the former one was credited. Debts that rest on the premises
are told, and accepted, before the agreement begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum

from headend.accounts.models import User
from headend.accounts.services import require
from headend.audit import services as audit
from headend.customers.models import Customer, Premises, SupplyAgreement
from headend.customers.queries import agreements_in_force
from headend.customers.services import open_agreement
from headend.debts.models import Debt
from headend.design.figures import moment
from headend.fleet.account_orders import change_payment_mode
from headend.fleet.queries import latest_state, unfinished_commands
from headend.fleet.services import lock_link
from headend.ledger import chart
from headend.ledger import services as ledger
from headend.meters.models import Meter
from headend.meters.services import install_meter
from headend.supply.closings import keep_cleared
from headend.supply.errors import CreditLeft, FormerClosingOpen, PremisesDebts
from headend.supply.handover import call_back_orders, check_registers
from headend.supply.meter_credit import on_the_bill_wh, require_none
from headend.supply.models import Closing, MoveIn, Settlement, SettlementLine
from headend.supply.old_tokens import require_new_key
from headend.supply.words import money
from headend.tariffs.models import Tariff
from shared.wire import commands

REFERENCE = "move-in"
_CLOSED = "closed"  # the account's status as the meter tells it


@dataclass(frozen=True)
class Found:
    """What somebody who moves in finds there.

    Attributes:
        meter: which.
        former: the last agreement that it served, if any.
        closing: of that agreement, if its account was closed.
        price_minor: for what the credit that is left can be bought; None: it can't.
        debts: that rest on the premises.
        debts_minor: what they come to.
    """

    meter: Meter
    former: SupplyAgreement | None
    closing: Closing | None
    price_minor: int | None
    debts: list[Debt]
    debts_minor: int


@dataclass(frozen=True)
class Terms:
    """What is agreed with somebody who moves in.

    Attributes:
        address: of the premises.
        tariff: what the energy costs.
        low_credit_threshold_wh: the customer is told when the credit falls below it.
        connection_va: size of the connection, which some tariffs ask for.
        accepts_debts: the customer was told of the debts of the premises and pays into them.
        buys_credit: the customer pays for what is left on the meter, in cash, into the safe.
    """

    address: str
    tariff: Tariff
    low_credit_threshold_wh: int = 5000
    connection_va: int | None = None
    accepts_debts: bool = False
    buys_credit: bool = False


def found_at(meter: Meter, *, address: str = "") -> Found:
    """Say what somebody who moves in finds: nothing changes.

    Args:
        meter: which.
        address: where; without, where the meter served last.
    """
    former = (
        SupplyAgreement.objects.filter(meter=meter, ended_at__isnull=False)
        .select_related("customer", "premises", "tariff")
        .order_by("-ended_at")
        .first()
    )
    closing = Closing.objects.filter(agreement=former).first() if former else None
    address = address or (former.premises.address if former else "")
    debts = list(_debts_at(address))
    return Found(
        meter=meter,
        former=former,
        closing=closing,
        price_minor=_price_minor(closing),
        debts=debts,
        debts_minor=sum(debt.balance_minor for debt in debts),
    )


@transaction.atomic
def move_in(
    customer: Customer,
    meter: Meter,
    terms: Terms,
    *,
    energy_wh: int,
    credit_wh: int,
    source: str,
    by: User,
    at: datetime,
) -> MoveIn:
    """Let a meter serve a customer from now on; one in stock is installed.

    Args:
        customer: who moves in.
        meter: one that serves nobody.
        terms: what is agreed.
        energy_wh: the total that the meter shows, 0 or more.
        credit_wh: the credit that it shows: 0, unless the customer buys it.
        source: where the registers were learnt, of models.Source.
        by: who decides; needs supply.move_in and customers.add_supplyagreement, and
            meters.change_meter to install.
        at: now.

    Raises:
        FormerClosingOpen: the former customer's account is not settled, or the meter may still
            do an order to close it.
        CreditLeft: the meter holds credit that is not bought, or that nobody can sell; also by
            what the meter itself told last.
        NewKeyNeeded: the meter would take a token that was issued anew for another one.
        PremisesDebts: debts rest on the premises that were not accepted.
        InvalidAgreement: the meter serves somebody.
        InvalidMeter: it is scrapped.
        InvalidRegisters: no meter shows such figures.
    """
    require(by, "supply.move_in")
    meter = Meter.objects.select_for_update().get(pk=meter.pk)
    lock_link(meter)
    found = found_at(meter, address=terms.address)
    closing = _locked(found.closing)
    check_registers(meter, energy_wh=energy_wh, credit_wh=credit_wh)
    _require_settled(found, closing)
    require_new_key(meter)
    _require_credit_clear(closing, terms, meter, energy_wh=energy_wh, credit_wh=credit_wh)
    _call_back(meter, at=at)
    _require_debts_accepted(found, terms)
    agreement = _begin(customer, meter, terms, by=by, at=at)
    bought_minor = 0
    if terms.buys_credit and closing is not None:
        bought_minor = _sell_credit(agreement, closing, by=by, at=at)
    _reopen_at_meter(meter, at=at)
    made = MoveIn.objects.create(
        agreement=agreement,
        former=closing,
        energy_wh=energy_wh,
        credit_wh=credit_wh,
        registers_source=source,
        bought_minor=bought_minor,
        premises_debts_minor=found.debts_minor,
        moved_in_at=at,
        by=by,
    )
    told = ("energy_wh", "credit_wh", "bought_minor", "premises_debts_minor")
    after = {"agreement": agreement.pk} | {name: getattr(made, name) for name in told}
    audit.record(actor=by, action="supply.move_in", target=made, at=at, after=after)
    return made


def _begin(
    customer: Customer, meter: Meter, terms: Terms, *, by: User, at: datetime
) -> SupplyAgreement:
    if meter.status != Meter.Status.INSTALLED:
        install_meter(meter, by=by, at=at)
    return open_agreement(
        customer=customer,
        address=terms.address,
        meter=meter,
        tariff=terms.tariff,
        by=by,
        at=at,
        low_credit_threshold_wh=terms.low_credit_threshold_wh,
        connection_va=terms.connection_va,
    )


def _debts_at(address: str) -> QuerySet[Debt]:
    premises = Premises.objects.filter(address=address)
    return Debt.objects.filter(premises__in=premises, balance_minor__gt=0).order_by("pk")


def _locked(closing: Closing | None) -> Closing | None:
    if closing is None:
        return None
    return Closing.objects.select_for_update(of=("self",)).get(pk=closing.pk)


def _require_settled(found: Found, closing: Closing | None) -> None:
    if closing is not None and closing.is_open:
        raise FormerClosingOpen(
            f"the account of {found.former.customer if found.former else 'the last customer'} at "
            f"meter {found.meter} is not settled (closing {closing}: {closing.state}); settle it "
            "first"
        )
    running = agreements_in_force().filter(meter=found.meter).first()
    if running is not None:
        raise FormerClosingOpen(
            f"meter {found.meter} serves {running.customer} since {moment(running.started_at)}; "
            "if somebody else moves in, close that account first"
        )


def _require_debts_accepted(found: Found, terms: Terms) -> None:
    if found.debts and not terms.accepts_debts:
        raise PremisesDebts(
            f"debts of {money(found.debts_minor)} are attached to {terms.address}, whoever lives "
            "there; tell the customer and accept them, or have them written off"
        )


def _require_credit_clear(
    closing: Closing | None, terms: Terms, meter: Meter, *, energy_wh: int, credit_wh: int
) -> None:
    can_buy = _price_minor(closing) is not None
    if terms.buys_credit and (not can_buy or closing is None or credit_wh != closing.credit_wh):
        raise CreditLeft(
            f"the credit of meter {meter} can't be bought: only what a settlement left there and "
            "the meter still shows can"
        )
    if terms.buys_credit:
        return
    if closing is not None and closing.needs_clearing:
        raise CreditLeft(
            f"meter {meter} holds credit of closing {closing}: clear it, or have it bought"
        )
    require_none(meter, energy_wh=energy_wh, credit_wh=credit_wh)


def _price_minor(closing: Closing | None) -> int | None:
    """Return what the former customer was credited for what is still on the meter."""
    if closing is None or not closing.needs_clearing or (closing.credit_wh or 0) < 0:
        return None
    agreement, read_at = closing.agreement, closing.registers_at
    if read_at is None or on_the_bill_wh(agreement, agreement.meter, at=read_at):
        return None  # some of it was credited to a bill: it is the utility's
    settlement = Settlement.objects.filter(closing=closing).first()
    if settlement is None:
        return None
    total = _credit_lines(settlement).aggregate(total=Sum("amount_minor"))["total"]
    return total or None


def _credit_lines(settlement: Settlement) -> QuerySet[SettlementLine]:
    kinds = (SettlementLine.Kind.CREDIT, SettlementLine.Kind.TAX)
    return settlement.lines.filter(kind__in=kinds)


def _sell_credit(agreement: SupplyAgreement, closing: Closing, *, by: User, at: datetime) -> int:
    """Sell what is on the meter for what the former customer was credited, taxes as they were."""
    lines = list(_credit_lines(closing.settlement))
    total_minor = sum(line.amount_minor for line in lines)
    currency = settings.BASE_CURRENCY
    ledger.post(
        at=at,
        description=f"Credit on meter {agreement.meter} bought by the next customer",
        reference=f"{REFERENCE}:{agreement.pk}",
        postings=[
            ledger.Posting(chart.CASH_IN_SAFE, total_minor, currency),
            *(ledger.Posting(line.account, -line.amount_minor, currency) for line in lines),
        ],
    )
    keep_cleared(closing, Closing.Cleared.BOUGHT, by=by, at=at, note=f"by {agreement.customer}")
    return total_minor


def _call_back(meter: Meter, *, at: datetime) -> None:
    """Call back what waits for a meter; an order on its way would end the new account."""
    call_back_orders(meter, at=at)
    sent = unfinished_commands(meter).filter(command=commands.CLOSE_ACCOUNT)
    if sent.exists():
        raise FormerClosingOpen(
            f"meter {meter} was sent an order to close its account and has not answered; wait for "
            "its answer, or give the order up knowingly under the meter's orders"
        )


def _reopen_at_meter(meter: Meter, *, at: datetime) -> None:
    """Have a meter that closed its account open it again."""
    state = latest_state(meter)
    if state is not None and state.account_status == _CLOSED:
        change_payment_mode(
            meter=meter,
            payment_mode=meter.intended_payment_mode,
            requested_by=None,
            reason="a customer moved in",
            at=at,
        )
