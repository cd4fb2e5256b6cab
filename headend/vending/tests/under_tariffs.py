"""What sells under a tariff that a test makes up, and how a sale is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from headend.accounts.services import console_user
from headend.tariffs.components import (
    Energy,
    Step,
)
from headend.tariffs.rules import ROUNDED_KWH, FeeRecovery, Rounding, TariffRules
from headend.tariffs.services import publish_version
from headend.testing import NOON, make_supply
from headend.vending import services

D = Decimal
DAYS = timedelta(days=1)
# 22:00 UTC is midnight in the utility's time zone, two hours ahead.
DECEMBER = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
STEPS = Energy("Energy", (Step(D(50), D(1)), Step(None, D(2))))
TAKES_ALL = FeeRecovery()
ONE_RATE = Energy("Energy", (Step(None, D(1)),))


def selling():
    """Return what publishes a tariff and returns what sells under it."""
    agreement = make_supply()

    def publish(*parts, recovery=TAKES_ALL, valid_from=NOON + timedelta(seconds=1)):
        publish_version(
            code="test",
            name="Test",
            valid_from=valid_from,
            rules=TariffRules(parts, Rounding(lines_from=ROUNDED_KWH), recovery),
            by=console_user(),
            at=NOON,
        )

        def sell(tender, at, **more):
            publishing.count += 1
            done = services.vend(
                caller="test",
                message_id=f"m{publishing.count}",
                meter=agreement.meter,
                tender_minor=int(D(tender) * 100),
                operator=console_user(),
                at=at,
                **more,
            )
            lines = done.lines.order_by("position")
            assert sum(line.amount_minor for line in lines) == done.tender_minor
            return done

        return sell

    publishing: Any = publish
    publishing.count, publishing.agreement = 0, agreement
    return publishing


def told(sale):
    """Return a sale's lines as {title: money}, and its kWh."""
    lines = {line.description: line.amount_minor / 100 for line in sale.lines.all()}
    return lines | {"kWh": sale.issued_wh / 1000}
