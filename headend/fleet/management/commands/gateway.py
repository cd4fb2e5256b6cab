"""Run the gateway between the MQTT broker and the database."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from headend.fleet.broker_link import BrokerAddress, BrokerLink
from headend.fleet.gateway import Gateway, deliver_notifications
from headend.notifications import carriers


class Command(BaseCommand):
    """Work until told to stop by SIGTERM or Ctrl-C."""

    help = "Exchange messages with the meters by MQTT, and deliver notifications."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name the worker, when several share the work."""
        parser.add_argument("--worker", default="1", help="name of this worker, unique")
        parser.add_argument("--share", help="share group, if the broker offers $share")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        link = BrokerLink(
            BrokerAddress.parse(settings.MQTT_URL),
            client_id=f"openprepay-gateway-{options['worker']}",
            prefix=settings.TOPIC_PREFIX,
            share=options["share"],
        )
        deliverer = threading.Thread(
            target=deliver_notifications,
            args=(stop,),
            kwargs={"carrier": carriers.configured(settings.NOTIFICATION_URLS)},
            daemon=True,
        )
        deliverer.start()
        Gateway(link).run(stop)
        deliverer.join(timeout=5)
