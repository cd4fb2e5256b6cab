"""`prepay provision`: makes a simulated meter of a number that the head-end knows."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tools.headend.django_setup import set_up_django


@click.command()
@click.argument("drn")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where its flash is written; by default the installation's meters/DRN.",
)
@click.option(
    "--board",
    type=click.Choice(["combined", "split"]),
    default="combined",
    show_default=True,
    help="One box, or a meter with a separate keypad unit.",
)
@click.option("--customer", default="", help="Whose it is, for the label.")
@click.option("--destroy-credit", is_flag=True, help="Overwrite the meter that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def provision(
    drn: str,
    folder: Path | None,
    board: str,
    customer: str,
    destroy_credit: bool,
    as_json: bool,
) -> None:
    """Write the flash of simulated meter DRN, with keys from the head-end's security module.

    The meter must be registered. It will refuse tokens older than this moment. Keys are
    written, never shown.
    """
    set_up_django()
    from django.conf import settings

    from headend.audit import origin
    from headend.config.errors import Refusal
    from headend.fleet.broker_link import BrokerAddress
    from tools.provision import service

    try:
        with origin.coming_from(origin.COMMAND_LINE):
            made = service.provision(
                drn,
                folder=folder or settings.DATA / "meters" / drn,
                board=board,
                customer=customer,
                destroy_credit=destroy_credit,
            )
    except (Refusal, service.AlreadyProvisioned, OSError) as error:  # no such folder can be made
        raise click.ClickException(str(error)) from None
    broker = BrokerAddress.parse(settings.MQTT_URL)
    service.set_broker(
        made.folder,
        host=broker.host,
        port=broker.port,
        user=broker.user,
        password=broker.password,
        prefix=settings.TOPIC_PREFIX,
    )
    if as_json:
        click.echo(json.dumps({"drn": made.drn, "board": made.board, "folder": str(made.folder)}))
    else:
        click.echo(f"Meter {made.drn} ({made.board}) is provisioned in {made.folder}.")
