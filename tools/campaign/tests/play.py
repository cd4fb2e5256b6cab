"""Two key campaigns played with everything real: head-end, broker, gateway and a meter's firmware.

Run by test_with_a_meter as a program of its own, for it sets up a head-end.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from tools.demo.stage import PATIENCE_S, Stage

# What the meter shows after each part of the key, the whole key, and the credit.
ANSWERS = ("Accepted, key 1", "Accepted, key 2", "Accepted", "kWh")


def play(folder: Path) -> None:
    """Bring a meter to key revision 2 over the network, then to revision 3 at its keypad."""
    with Stage(folder, "combined", "micropython", None, Console(quiet=True)) as stage:
        for krn in (2, 3):
            _load_key(krn, stage)
        unused = _digits(stage.vend(1000))

        campaign = _started("over the network", stage, krn=2, push=True)
        stage.until("the meter confirms revision 2", lambda: _worked(campaign) == "confirmed")
        sale = stage.vend(2000, send=True)
        stage.until("credit under revision 2", lambda: _accepted(sale))
        assert len(_digits(sale)) == 1
        stage.meter.enter_token(unused[0])
        stage.meter.wait_for_text("Wrong", PATIENCE_S)

        campaign = _started("at the keypad", stage, krn=3, push=False)
        stage.until("revision 3 is prepared", lambda: _worked(campaign) == "prepared")
        digits = _digits(stage.vend(3000))
        for token, answer in zip(digits, ANSWERS, strict=True):
            stage.meter.enter_token(token)
            stage.meter.wait_for_text(answer, PATIENCE_S)
        stage.until("the meter confirms revision 3", lambda: _worked(campaign) == "confirmed")
        campaign.refresh_from_db()
        assert campaign.state == "finished"
    print("both campaigns are confirmed by the meter")


def _load_key(krn: int, stage: Stage) -> None:
    from django.utils import timezone

    from headend.securitymodule.services import DEMONSTRATION_SGC, load_vending_key

    load_vending_key(
        clear_key=secrets.token_bytes(20),
        sgc=DEMONSTRATION_SGC,
        kt=2,
        krn=krn,
        base_date=2014,
        by=stage.operator,
        at=timezone.now(),
    )


def _started(name: str, stage: Stage, *, krn: int, push: bool) -> Any:
    """Return a campaign for the meter alone, started by two people."""
    from django.utils import timezone

    from headend.accounts import approvals
    from headend.accounts.services import create_user
    from headend.campaigns import services
    from headend.campaigns.selection import Selection

    now = timezone.now()
    campaign = services.plan(
        name=name,
        changes={"krn": krn},
        selection=Selection(meters=(stage.drn,)),
        by=stage.operator,
        at=now,
        reason="a test",
        push=push,
    )
    approver = create_user(username=f"approver-{krn}", password=None, groups=("approver",))
    approvals.approve(
        services.request_start(campaign, by=stage.operator, at=now), by=approver, at=now
    )
    return campaign


def _worked(campaign: Any) -> str:
    """Do the campaign's next piece of work; return the stage of its one meter."""
    from django.utils import timezone

    from headend.campaigns import progress, running

    running.advance(campaign, at=timezone.now())
    return str(next((row.stage for row in progress.staged(campaign)), ""))


def _digits(sale: Any) -> list[str]:
    return [token.digits for token in sale.tokens.order_by("position")]


def _accepted(sale: Any) -> bool:
    command = sale.tokens.get(token_class=0).delivery
    return bool(command.state == "accepted")


if __name__ == "__main__":
    play(Path(sys.argv[1]))
