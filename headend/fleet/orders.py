"""Orders that a person can give a meter: what each says, warns of and sends.

One table; the confirm page and the history are made from it. How a meter's answers and events
read is in `wording`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headend.accounts.models import User
from headend.design.figures import token_groups
from headend.fleet import account_orders, services
from headend.fleet.forms import AdjustmentForm, MessageForm, ReasonForm
from headend.fleet.models import Command, MeterState
from headend.fleet.wording import details
from headend.meters.models import Meter
from shared.wire import codes, commands
from shared.wire.commands import LONGEST_TEXT

ROW = LONGEST_TEXT // 2
SECONDS_OF_DAY = 86400
COMMAND_METER = "fleet.command_meter"
SWITCH_MODE = "fleet.switch_payment_mode"
CLOSE_ACCOUNT = "fleet.close_account"
ADJUST_CREDIT = "fleet.adjust_credit"


@dataclass(frozen=True)
class Order:
    """One thing to order of a meter.

    Attributes:
        slug: its place in the address.
        title: the button, a verb.
        command: name on the wire.
        arguments: makes the arguments from the time of asking and what was asked in the form.
        consequences: sentences that say exactly what will happen.
        permission: who may.
        needs_reason: a person must say why; kept in the audit record.
        tone: "danger" for what takes something from the customer.
        form: what is asked besides the reason.
    """

    slug: str
    title: str
    command: str
    arguments: Callable[[datetime, Mapping[str, Any]], dict[str, Any]]
    consequences: tuple[str, ...]
    permission: str = COMMAND_METER
    needs_reason: bool = False
    tone: str = ""
    form: type[ReasonForm] = ReasonForm

    @property
    def is_mode(self) -> bool:
        """Whether it switches the payment mode, which the utility's own record follows."""
        return self.command == commands.PAYMENT_MODE

    @property
    def needs_approval(self) -> bool:
        """Whether a second person decides before anything is sent."""
        return self.command == commands.ADJUST_CREDIT

    def is_idle(self, meter: Meter, state: MeterState) -> bool:
        """Whether it would change nothing at a meter that stands like this."""
        if self.command == commands.CLOSE_ACCOUNT:
            return state.account_status == codes.ACCOUNT_CLOSED
        settled = state.payment_mode == meter.intended_payment_mode
        return self.is_mode and settled and self.slug == meter.intended_payment_mode


def _fixed(**arguments: Any) -> Callable[[datetime, Mapping[str, Any]], dict[str, Any]]:
    return lambda at, asked: dict(arguments)


def message_arguments(at: datetime, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a message.

    Args:
        at: now.
        asked: "first" and "second" row, up to 16 characters each, and "days" to show it for.
    """
    first, second = asked["first"].strip(), asked["second"].strip()
    text = f"{first:{ROW}}{second}" if second else first
    return {"text": text, "until": int(at.timestamp()) + asked["days"] * SECONDS_OF_DAY}


def _asked(*names: str) -> Callable[[datetime, Mapping[str, Any]], dict[str, Any]]:
    return lambda at, asked: {name: asked.get(name) for name in names}


_ALL = (
    Order(
        "disconnect",
        "Disconnect",
        commands.LOAD_SWITCH,
        _fixed(action="disconnect"),
        (
            "The load switch opens as soon as the command arrives. Everything that runs at the "
            "premises loses power.",
            "It stays open until somebody sends “Connect”, whatever credit is bought.",
        ),
        needs_reason=True,
        tone="danger",
    ),
    Order(
        "connect",
        "Connect",
        commands.LOAD_SWITCH,
        _fixed(action="connect"),
        (
            "The meter drops the reason “disconnected by command”.",
            "If no other reason is left, the load switch closes at once and the premises are "
            "live. With no credit left in prepayment it stays open.",
        ),
    ),
    Order(
        "arm",
        "Let them reconnect",
        commands.LOAD_SWITCH,
        _fixed(action="arm"),
        (
            "The meter drops the reason “disconnected by command”, but waits for a key press.",
            "The load switch closes only when somebody at the premises presses # on the keypad.",
        ),
    ),
    Order(
        "postpayment",
        "Switch to post-payment",
        commands.PAYMENT_MODE,
        _fixed(mode=codes.POSTPAYMENT),
        (
            "The meter stops counting credit down and does not switch off at zero any more.",
            "It answers with its closing registers and the credit that was left.",
            "From then on the energy has to be billed.",
        ),
        permission=SWITCH_MODE,
        needs_reason=True,
    ),
    Order(
        "prepayment",
        "Switch to prepayment",
        commands.PAYMENT_MODE,
        _fixed(mode=codes.PREPAYMENT),
        (
            "The meter counts its credit down from now on.",
            "With no credit on the meter, the load switch opens at once.",
        ),
        permission=SWITCH_MODE,
        needs_reason=True,
        tone="danger",
    ),
    Order(
        "reset-trip",
        "Reset the trip",
        commands.RESET_TRIP,
        _fixed(),
        (
            "The meter drops the reason “too much power drawn” without waiting for its pause.",
            "If no other reason is left, the load switch closes. It opens again if too much is "
            "drawn again.",
        ),
    ),
    Order(
        "clear-tamper",
        "Clear the tamper mark",
        commands.CLEAR_TAMPER,
        _fixed(),
        (
            "The meter forgets that it was tampered with; its events keep it.",
            "If the tampering was all that kept the load off, the load switch closes.",
        ),
        needs_reason=True,
    ),
    Order(
        "message",
        "Show a message",
        commands.MESSAGE,
        message_arguments,
        (
            "The display at the premises shows these two lines every 15 seconds, for 5 seconds, "
            "while nobody types.",
            "A later message takes its place. Two empty lines take it away.",
        ),
        form=MessageForm,
    ),
    Order(
        "adjust-credit",
        "Adjust the credit",
        commands.ADJUST_CREDIT,
        _asked("amount_wh"),
        (
            "Nothing is sent before a second person has approved it.",
            "The meter then adds the energy to its credit or takes it away, without a token. "
            "No money moves and no receipt is made.",
            "At zero or below it the load switch opens; with credit again it closes.",
        ),
        permission=ADJUST_CREDIT,
        needs_reason=True,
        form=AdjustmentForm,
    ),
    Order(
        "close-account",
        "Close the account",
        commands.CLOSE_ACCOUNT,
        _fixed(),
        (
            "The meter clears its credit. It answers with its closing registers and the credit "
            "that was left, which is owed to the customer; below zero the customer owes it.",
            "The load switch opens, in post-payment too.",
            "New credit, or a payment mode set for whoever moves in, opens the account again.",
        ),
        permission=CLOSE_ACCOUNT,
        needs_reason=True,
        tone="danger",
    ),
    Order(
        "read",
        "Read now",
        commands.READ,
        _fixed(what="registers"),
        ("The meter answers with its registers. Nothing changes at the meter.",),
    ),
    Order(
        "set-clock",
        "Set the clock",
        commands.SET_CLOCK,
        lambda at, asked: {"utc": int(at.timestamp())},
        (
            "The meter's clock is set to the head-end's time at the moment you confirm.",
            "The step is kept in the meter's journal. Credit and registers do not change.",
        ),
    ),
    Order(
        "ping",
        "Ping",
        commands.PING,
        _fixed(),
        ("The meter answers if it can be reached. Nothing changes at the meter.",),
    ),
)
ORDERS = {order.slug: order for order in _ALL}


def give(
    order: Order,
    meter: Meter,
    asked: Mapping[str, Any],
    *,
    by: User,
    at: datetime,
    reason: str,
) -> Command:
    """Give a meter an order that one person may give.

    Args:
        order: one that needs no approval.
        meter: who it is for; its intended payment mode follows an order of one.
        asked: what the order's form asks besides the reason.
        by: who gives it; needs the order's permission.
        at: now.
        reason: why.

    Raises:
        BadCommand: the meter would refuse it as malformed, or it needs an approval.
        NotPermitted: they may not give it.
    """
    arguments = order.arguments(at, asked)
    if order.is_mode:
        return account_orders.change_payment_mode(
            meter=meter, payment_mode=arguments["mode"], requested_by=by, reason=reason, at=at
        )
    return services.queue_command(
        meter=meter,
        command=order.command,
        arguments=arguments,
        requested_by=by,
        reason=reason,
        at=at,
    )


def for_meter(
    meter: Meter, state: MeterState | None, *, may: Callable[[str], bool]
) -> list[Order]:
    """The orders to offer for a meter: those a user may give and that would change something.

    Args:
        meter: with the payment mode that is intended for it.
        state: what it last told; None if nothing.
        may: tells whether the user has a permission.
    """
    return [
        order
        for order in _ALL
        if may(order.permission) and not (state is not None and order.is_idle(meter, state))
    ]


def title_of(command: Command) -> str:
    """What a command is for, in a few words."""
    if command.command == commands.TOKEN:
        return f"Token …{token_groups(str(command.arguments.get('digits', '')))[-1]}"
    for order in _ALL:
        if order.command != command.command:
            continue
        if order.form is not ReasonForm:
            return f"{order.title}: {details(command.arguments)}"
        if _same(order.arguments(command.created_at, {}), command.arguments):
            return order.title
    name = command.command.replace("_", " ").capitalize()
    return f"{name}: {details(command.arguments)}" if command.arguments else name


def _same(fixed: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    return fixed.keys() == arguments.keys() and ("utc" in fixed or fixed == arguments)
