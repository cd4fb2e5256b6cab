"""Writes a simulated meter's flash and settings with the identity and keys the head-end gives."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from firmware.meter import provisioning
from tools.provision import label
from tools.provision.flash import PARTITIONS, FileFlash
from tools.provision.label import Label

IMPULSES_PER_KWH = 1000


class AlreadyProvisioned(Exception):
    """The folder holds a meter; writing another one would destroy its credit."""


def provision(
    drn: str,
    *,
    folder: Path,
    board: str,
    customer: str = "",
    at: datetime | None = None,
    destroy_credit: bool = False,
) -> Label:
    """Make a registered meter out of blank flash. Django must be set up.

    Args:
        drn: number of a meter that the head-end knows.
        folder: where its flash and settings are to be.
        board: "combined" or "split".
        customer: whose it is, for the label.
        at: the time of provisioning; now if not told. Older tokens will not be taken.
        destroy_credit: overwrite a meter that is there.

    Returns:
        The label that was put into the folder.

    Raises:
        AlreadyProvisioned: there is a meter and `destroy_credit` is not set.
        Refusal: the head-end does not know the meter, or may not give its keys.
    """
    from django.utils import timezone

    from headend.accounts.services import console_user
    from headend.meters.queries import meter_numbered
    from headend.securitymodule.services import provisioning_secrets

    if (folder / "state.bin").exists() and not destroy_credit:
        raise AlreadyProvisioned(
            f"{folder} holds a meter already; --destroy-credit overwrites it and its credit"
        )
    at = at or timezone.now()
    meter = meter_numbered(drn)
    secrets = provisioning_secrets(meter, console_user(), at)
    identity = {
        name: getattr(meter, name)
        for name in ("drn", "pan", "sgc", "krn", "kt", "ti", "ken", "ea", "base_date")
    }
    identity["decoder_key"] = secrets.decoder_key
    identity["link_root"] = secrets.link_root
    identity["link_generation"] = secrets.link_generation
    write_flash(folder, identity, provisioned_at=int(at.timestamp()))
    write_settings(folder, {"impulses_per_kwh": IMPULSES_PER_KWH, "mqtt": None})
    pair_keypad(folder, drn)
    made = Label(folder, meter.drn, board, customer)
    label.write(made)
    return made


def write_flash(
    folder: Path,
    identity: dict[str, Any],
    *,
    provisioned_at: int,
    settings: dict[str, Any] | None = None,
) -> None:
    """Write both partitions of a meter's flash.

    Args:
        folder: where; readable by its owner only, for it holds keys.
        identity: as firmware.meter.provisioning.provision takes it.
        provisioned_at: UTC seconds since 1970.
        settings: settings to begin with, such as low_credit_wh.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    flash = {name: FileFlash(folder / f"{name}.bin", size) for name, size in PARTITIONS.items()}
    provisioning.provision(flash["state"], flash["profile"], identity, provisioned_at, settings)
    for partition in flash.values():
        partition.save()


def pair_keypad(folder: Path, drn: str) -> None:
    """Tell the separate keypad of a split meter which meter it belongs to."""
    keypad = folder / "keypad"
    keypad.mkdir(exist_ok=True)
    (keypad / "keypad.json").write_text(json.dumps({"paired_drn": drn}))


def set_broker(
    folder: Path,
    *,
    host: str,
    port: int,
    user: str | None = None,
    password: str | None = None,
    prefix: str | None = None,
) -> None:
    """Tell a meter where its MQTT broker is.

    Args:
        folder: the meter's.
        host: name or address.
        port: TCP port.
        user: name for the broker, or None.
        password: for that user, or None.
        prefix: of the topics; None for the usual one.
    """
    given = {"user": user, "password": password, "prefix": prefix}
    mqtt: dict[str, Any] = {"host": host, "port": port}
    mqtt |= {name: value for name, value in given.items() if value is not None}
    settings = json.loads((folder / "config.json").read_text())
    # A simulated meter's network cable keeps the broker it leads to beside its own end of it.
    settings.pop("broker", None)
    write_settings(folder, {**settings, "mqtt": mqtt})


def write_settings(folder: Path, settings: dict[str, Any]) -> None:
    """Replace a meter's settings file, never leaving half of one."""
    fresh = folder / "config.json.new"
    fresh.write_text(json.dumps(settings))
    os.replace(fresh, folder / "config.json")
