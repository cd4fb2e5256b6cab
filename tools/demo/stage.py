"""What the story is played with: a fresh head-end, broker, gateway and one simulated meter."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import paho.mqtt.client as mqtt
from rich.console import Console

from shared.wire import topics
from tools.broker.embedded import start_embedded_broker
from tools.run.installation import Installation
from tools.run.preparation import prepare
from tools.simulate import SimulatedMeter

if TYPE_CHECKING:
    from headend.fleet.models import Command, MeterState
    from headend.vending.models import Sale

PATIENCE_S = 20
LOOK_AGAIN_S = 0.1

T = TypeVar("T")


class NotObserved(Exception):
    """Something the story promises was not seen; the text says what was seen instead."""


class Stage:
    """Everything that takes part; a context manager that clears up after itself.

    Args:
        folder: empty folder for everything the story leaves behind.
        board: "combined" or "split".
        interpreter: name of the MicroPython that runs the firmware.
        firmware_kib: heap that the firmware may use, in KiB, or None for the default.
        console: where progress is told.
    """

    def __init__(
        self,
        folder: Path,
        board: str,
        interpreter: str,
        firmware_kib: int | None,
        console: Console,
    ) -> None:
        self.console = console
        self.first_token = ""
        self.remote_digits = ""
        self.remote_payload = b""
        self._sales = 0
        self._exits = contextlib.ExitStack()
        self._folder = folder
        self._board, self._interpreter, self._firmware_kib = board, interpreter, firmware_kib
        self.meter: SimulatedMeter
        self.gateway_log = ""

    def __enter__(self) -> Stage:
        try:
            self._set()
        except BaseException:
            self._exits.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._exits.close()

    def _set(self) -> None:
        logging.getLogger("iotcore").setLevel(logging.WARNING)
        broker = self._exits.enter_context(start_embedded_broker())
        self.broker_port = broker.port
        installation = Installation(self._folder, mqtt_url=broker.url)
        prepared = prepare(installation)
        from headend.accounts.services import console_user
        from headend.meters.queries import meter_numbered

        label = next(meter for meter in prepared.meters if meter.board == self._board)
        self.drn = label.drn
        self.customer = label.customer
        self.record = meter_numbered(label.drn)
        self.operator = console_user()
        gateway = installation.start("gateway", ["-m", "headend.manage", "gateway"])
        self._exits.callback(gateway.stop)
        self.gateway_log = str(gateway.log)
        self._line = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="demo-attacker")
        self._line.connect("127.0.0.1", broker.port)
        self._line.loop_start()
        self._exits.callback(self._line.loop_stop)
        self._exits.callback(self._line.disconnect)
        self.meter = SimulatedMeter(
            label.folder, self._board, self._interpreter, self._firmware_kib
        )
        self._exits.callback(self.meter.close)
        self.meter.power_on()
        self.until("the meter is online at the head-end", lambda: self.is_online())

    # The head-end's side

    def vend(self, tender_minor: int, *, send: bool = False) -> Sale:
        """Sell energy for so many minor currency units; optionally send the token."""
        from django.utils import timezone

        from headend.vending import services

        self._sales += 1
        return services.vend(
            caller="demo",
            message_id=f"demo-{self._sales}",
            meter=self.record,
            tender_minor=tender_minor,
            operator=self.operator,
            at=timezone.now(),
            send=send,
        )

    def digits(self, sale: Sale) -> str:
        """Return the token of a sale."""
        return str(sale.tokens.get().digits)

    def command(self, name: str, **arguments: Any) -> Command:
        """Order something of the meter and wait for its answer."""
        from headend.fleet.services import queue_command

        made = queue_command(
            meter=self.record, command=name, arguments=arguments, requested_by=self.operator
        )
        return self.finished(made)

    def finished(self, command: Command) -> Command:
        """Wait until a command has ended and return it."""

        def ended() -> bool:
            command.refresh_from_db()
            return command.finished_at is not None

        self.until(f"an answer to {command.command}", ended)
        return command

    def token_command(self) -> Command:
        """Return the latest token sent to the meter."""
        from headend.fleet.models import Command

        return Command.objects.filter(meter=self.record, command="token").latest("id")

    def state(self) -> MeterState:
        """Return the latest state of the meter that the head-end stored."""
        from headend.fleet.models import MeterState

        return MeterState.objects.get(meter=self.record)

    def registers(self) -> dict[str, int]:
        """Ask the meter for its registers, exact to the Wh; totals are named by OBIS code."""
        answer = self.command("read", what="registers")
        if answer.state != "accepted":
            raise NotObserved(f"the meter answered a read with {answer.status}")
        return dict(answer.detail)

    def credit_wh(self) -> int:
        """Ask the meter for its credit register."""
        return self.registers()["credit_wh"]

    def is_online(self) -> bool:
        """Return whether the head-end has the meter's presence and a state of it."""
        from headend.fleet.models import MeterLink, MeterState

        link = MeterLink.objects.filter(meter=self.record).first()
        return bool(link and link.online and MeterState.objects.filter(meter=self.record).exists())

    def event_count(self, code: int) -> int:
        """Return how often the head-end has stored an event of the meter."""
        from headend.fleet.models import Event

        return Event.objects.filter(meter=self.record, code=code).count()

    def warnings(self) -> list[str]:
        """Return the low-credit messages to the consumer, as they were sent."""
        from headend.notifications.models import Notification

        sent = Notification.objects.filter(kind="low_credit", state="sent")
        return [message.body for message in sent.order_by("id")]

    def down_key(self) -> bytes:
        """Return the key of commands to the meter, which only the head-end has."""
        from headend.securitymodule.roots import link_keys

        return link_keys(self.record)[1]

    # An attacker's side: whoever can write to the broker

    def publish_to_meter(self, message: bytes) -> None:
        """Put bytes on the meter's topic, as somebody would who took over the broker."""
        self._line.publish(topics.down(self.drn), message, qos=1).wait_for_publish(PATIENCE_S)

    # Watching

    def until(self, what: str, holds: Callable[[], T], timeout: float = PATIENCE_S) -> T:
        """Look again and again until something holds; return its value.

        Raises:
            NotObserved: it did not hold in time.
        """
        deadline = time.monotonic() + timeout
        while True:
            value = holds()
            if value:
                return value
            if time.monotonic() > deadline:
                raise NotObserved(f"not seen within {timeout} s: {what}. {self.meter.describe()}")
            time.sleep(LOOK_AGAIN_S)

    def credit_must_be(self, expected_wh: int) -> None:
        """Ask the meter for its credit.

        Raises:
            NotObserved: it is another one.
        """
        credit_wh = self.credit_wh()
        if credit_wh != expected_wh:
            raise NotObserved(f"the credit is {credit_wh} Wh instead of {expected_wh} Wh")
